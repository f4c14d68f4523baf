#include "compiler/sema/json_reader.h"

#include <algorithm>
#include <unordered_set>

namespace upg::sema::json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  Reader(std::string_view text, Problem &problem) : text_(text), problem_(problem) {}

  std::optional<Value> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    Value value;
    blanks();
    if (!read(value, 0)) return std::nullopt;
    blanks();
    if (at_ < text_.size()) {
      fail("there is more text after the value", at_, at_ + 1);
      return std::nullopt;
    }
    return value;
  }

 private:
  bool fail(std::string message, std::size_t begin, std::size_t end) {
    problem_ = {std::move(message), static_cast<std::uint32_t>(begin),
                static_cast<std::uint32_t>(std::min(end, text_.size()))};
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool unexpected(std::string_view wanted) {
    if (at_ >= text_.size())
      return fail("the text ends where " + std::string(wanted) + " is needed", text_.size(), text_.size());
    return fail(std::string(wanted) + " is needed here", at_, at_ + 1);
  }

  bool read(Value &out, unsigned depth) {
    if (depth > max_depth) return fail("it is nested too deeply", at_, at_ + 1);
    if (++values_ > max_values) return fail("it has too many values", at_, at_ + 1);
    out.begin = static_cast<std::uint32_t>(at_);
    const bool ok = read_kind(out, depth);
    out.end = static_cast<std::uint32_t>(at_);
    return ok;
  }

  bool read_kind(Value &out, unsigned depth) {
    switch (peek()) {
      case '{':
        return read_object(out, depth);
      case '[':
        return read_array(out, depth);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        out.data = std::move(text);
        return true;
      }
      case 't':
        out.data = true;
        return word("true");
      case 'f':
        out.data = false;
        return word("false");
      case 'n':
        out.data = Null{};
        return word("null");
      default:
        return peek() == '-' || is_digit(peek()) ? read_number(out) : unexpected("a value");
    }
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return unexpected("a value");
    at_ += expected.size();
    return true;
  }

  bool read_number(Value &out) {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (is_digit(peek())) ++at_;
      return at_ > first;
    };
    if (peek() == '-') ++at_;
    if (peek() == '0' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))
      return fail("a number cannot begin with 0", begin, at_ + 2);
    if (!digits()) return unexpected("a digit");
    if (peek() == '.') {
      ++at_;
      if (!digits()) return unexpected("a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return unexpected("a digit");
    }
    if (at_ - begin > 64) return fail("a number is too long", begin, at_);
    out.data = Number{std::string(text_.substr(begin, at_ - begin))};
    return true;
  }

  bool read_array(Value &out, unsigned depth) {
    Array items;
    ++at_;
    blanks();
    if (peek() == ']' && at_ < text_.size()) {
      ++at_;
      out.data = std::move(items);
      return true;
    }
    for (;;) {
      items.emplace_back();
      blanks();
      if (!read(items.back(), depth + 1)) return false;
      blanks();
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != ']') return unexpected("`,` or `]`");
      ++at_;
      out.data = std::move(items);
      return true;
    }
  }

  bool read_object(Value &out, unsigned depth) {
    Object members;
    std::unordered_set<std::string> keys;
    ++at_;
    blanks();
    if (peek() == '}') {
      ++at_;
      out.data = std::move(members);
      return true;
    }
    for (;;) {
      blanks();
      if (peek() != '"') return unexpected("a key in quotes");
      Member member;
      member.begin = static_cast<std::uint32_t>(at_);
      if (!read_string(member.key)) return false;
      member.end = static_cast<std::uint32_t>(at_);
      if (!keys.insert(member.key).second) return fail("a key stands twice in one object", member.begin, member.end);
      blanks();
      if (peek() != ':') return unexpected("`:`");
      ++at_;
      blanks();
      if (!read(member.value, depth + 1)) return false;
      members.push_back(std::move(member));
      blanks();
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != '}') return unexpected("`,` or `}`");
      ++at_;
      out.data = std::move(members);
      return true;
    }
  }

  bool read_string(std::string &out) {
    const std::size_t begin = at_++;
    for (;;) {
      if (at_ >= text_.size()) return fail("a string is not closed", begin, begin + 1);
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character stands in a string", at_, at_ + 1);
      if (c == '\\') {
        if (!read_escape(out)) return false;
      } else if (static_cast<unsigned char>(c) < 0x80) {
        out += c;
        ++at_;
      } else if (!copy_multibyte(out)) {
        return fail("the text is not UTF-8", at_, at_ + 1);
      }
    }
  }

  bool read_escape(std::string &out) {
    const std::size_t begin = at_++;
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        break;
      default:
        return fail("an escape is not known", begin, at_);
    }
    std::uint32_t code = 0;
    if (!hex4(code)) return fail("`\\u` needs four hexadecimal digits", begin, at_);
    if (code >= 0xDC00 && code <= 0xDFFF) return fail("half of a surrogate pair stands alone", begin, at_);
    if (code >= 0xD800 && code <= 0xDBFF) {
      std::uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return fail("half of a surrogate pair stands alone", begin, at_);
      at_ += 2;
      if (!hex4(low) || low < 0xDC00 || low > 0xDFFF) return fail("half of a surrogate pair stands alone", begin, at_);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append(out, code);
    return true;
  }

  bool hex4(std::uint32_t &code) {
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit = 0;
      if (is_digit(c))
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        return false;
      code = code * 16 + digit;
      ++at_;
    }
    return true;
  }

  static void append(std::string &out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | (code >> 6));
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | (code >> 12));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | (code >> 18));
      byte(0x80 | ((code >> 12) & 0x3F));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
  }

  bool copy_multibyte(std::string &out) {
    const auto lead = static_cast<unsigned char>(text_[at_]);
    const std::size_t length = lead >= 0xF0 && lead < 0xF5   ? 4
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                                                             : 0;
    if (length == 0 || text_.size() - at_ < length) return false;
    std::uint32_t code = lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text_[at_ + i]);
      if ((next & 0xC0) != 0x80) return false;
      code = (code << 6) | (next & 0x3Fu);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10FFFF)) ||
        (code >= 0xD800 && code <= 0xDFFF))
      return false;
    out.append(text_.substr(at_, length));
    at_ += length;
    return true;
  }

  std::string_view text_;
  Problem &problem_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

const Value *Value::member(std::string_view key) const {
  const auto *object = as<Object>();
  if (!object) return nullptr;
  for (const Member &m : *object)
    if (m.key == key) return &m.value;
  return nullptr;
}

std::optional<Value> parse(std::string_view text, Problem &problem) { return Reader(text, problem).run(); }

std::string_view kind_of(const Value &value) {
  switch (value.data.index()) {
    case 0:
      return "null";
    case 1:
      return "a bool";
    case 2:
      return "a number";
    case 3:
      return "a string";
    case 4:
      return "an array";
    default:
      return "an object";
  }
}

}  // namespace upg::sema::json
