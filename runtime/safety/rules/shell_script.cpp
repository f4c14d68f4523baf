#include "runtime/safety/rules/shell_script.h"

#include <cctype>

namespace upg::safety {
namespace {

constexpr int kMaxBrackets = 64;                            // inside one expansion
constexpr std::size_t kMaxShown = 40;                       // of an expansion, in a message
constexpr std::size_t kMaxExpanded = std::size_t{1} << 20;  // bytes put in the place of variables and aliases

bool alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// What opens and closes a group of commands.
constexpr std::array<std::string_view, 4> kOpen{"{", "do", "if", "case"};
constexpr std::array<std::string_view, 4> kClose{"}", "done", "fi", "esac"};

/// Splits a script into words and commands as a shell does.
class Reader {
 public:
  Reader(Script &script, std::string_view in, int depth) : script_(script), in_(in), depth_(depth) {}

  /// True if a command reads a script from its standard input.
  bool run() {
    while (at_ < in_.size()) step();
    end_command(Between::other);
    return reads_;
  }

  /// Only what is expanded inside a text: `${x:-$(date)}`, a here-document.
  void expansions() {
    while (at_ < in_.size()) {
      if (in_[at_] == '\\') {
        at_ += 2;
      } else if (in_[at_] == '$' || in_[at_] == '`') {
        expansion(true);
      } else {
        ++at_;
      }
    }
  }

 private:
  enum class Between { both, pipe, other };  // `&&`, `|`, anything else
  struct Document {
    std::string end;
    bool quoted = false, tabs = false;
  };

  char peek(std::size_t ahead = 1) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }

  void end_word() {
    if (!in_word_) return;
    if (role_ == Role::word) {
      if (words_.empty() && one_of(kOpen, word_)) ++level_;
      if (words_.empty() && one_of(kClose, word_)) level_ = std::max(0, level_ - 1);
      words_.push_back({word_, splits_, begins_as_});
    } else if (role_ == Role::fed) {
      fed_.push_back(word_);
    } else if (role_ == Role::written) {
      written_.push_back({word_, splits_, begins_as_});
    } else if (role_ == Role::read) {
      read_.push_back({word_, splits_, begins_as_});
    }
    role_ = Role::word;
    word_.clear();
    begins_as_.clear();
    in_word_ = splits_ = false;
  }

  void end_command(Between next) {
    end_word();
    role_ = Role::word;
    for (const Word &file : written_) script_.writes(file, follows_);
    written_.clear();
    if (!words_.empty()) command();
    read_.clear();
    follows_ = next == Between::both;
    piped_ = next == Between::pipe;
  }

  void command() {
    // Outside of groups only a pipe hands on what was said before.
    if (level_ == 0 && !piped_ && !one_of(kClose, words_[0].text))
      fed_.erase(fed_.begin(), fed_.begin() + static_cast<std::ptrdiff_t>(fed_before_));
    if (script_.keep(words_, follows_, depth_)) {
      reads_ = true;
      std::vector<std::string> texts;
      texts.swap(fed_);
      for (const std::string &text : texts) read(text);
      for (const Word &file : read_) script_.keep({file}, follows_, depth_ + 1);
      if (piped_ && texts.empty() && documents_.empty())
        script_.reads_unseen("a shell reads what `" + before_ + "` prints, and nothing says what that is", follows_);
    }
    assignments();
    std::size_t first = 0;
    while (first + 1 < words_.size() && (one_of(kKeywords, words_[first].text) || is_assignment(words_[first].text)))
      ++first;
    const std::string_view name = base_name(words_[first].text);
    before_ = name;
    if (name == "echo" || name == "printf") fed_.push_back(lines(joined(words_, first + 1)));
    fed_before_ = fed_.size();
    words_.clear();
  }
  /// What the command sets: `R=x`, `export R=x`, `for R in x y`, `read R`.
  void assignments() {
    static constexpr std::array<std::string_view, 5> kSets{"export", "local", "readonly", "declare", "typeset"};
    static constexpr std::array<std::string_view, 5> kReads{"read", "mapfile", "readarray", "getopts", "printf"};
    std::size_t first = 0;
    while (first < words_.size() && one_of(kKeywords, words_[first].text)) ++first;
    const auto set = [&](std::string_view word) {
      const std::size_t eq = word.find('=');
      if (eq == std::string_view::npos) return;
      if (eq > 0 && word[eq - 1] == '+') {
        script_.variables().forget(word.substr(0, eq - 1));
      } else if (is_assignment(word)) {
        script_.variables().assign(word.substr(0, eq), word.substr(eq + 1));
      }
    };
    for (; first < words_.size() && words_[first].text.find('=') != std::string::npos; ++first) set(words_[first].text);
    if (first == words_.size()) return;
    const std::string &name = words_[first].text;
    if ((name == "for" || name == "select") && first + 1 < words_.size()) {
      for (std::size_t i = first + 3; i < words_.size(); ++i)
        script_.variables().assign(words_[first + 1].text, words_[i].text);
      if (first + 3 >= words_.size()) script_.variables().forget(words_[first + 1].text);  // "$@"
    }
    const bool sets = one_of(kSets, name), reads = one_of(kReads, name);
    for (std::size_t i = first + 1; i < words_.size() && (sets || reads); ++i) {
      if (sets) set(words_[i].text);
      if (reads) script_.variables().forget(words_[i].text);
    }
    if (name == "." || name == "source" || name == "eval") script_.variables().forget_all();
  }
  void read(const std::string &text) {
    if (depth_ < kMaxNesting) script_.text(text, depth_ + 1);
  }
  /// `\n` as `printf` prints it.
  static std::string lines(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool escaped = text.substr(i, 2) == "\\n";
      out += escaped ? '\n' : text[i];
      if (escaped) ++i;
    }
    return out;
  }

  /// Where a bracket that is open at `from` is closed; quotes are passed over.
  std::size_t closing(std::size_t from, char close, int level) const {
    if (level > kMaxBrackets) return in_.size();
    for (std::size_t i = from; i < in_.size(); ++i) {
      const char c = in_[i];
      if (c == close) return i;
      if (c == '\\') {
        ++i;
      } else if (c == '\'' && close == ')') {
        i = std::min(in_.find('\'', i + 1), in_.size());
      } else if (c == '"' && close != '"') {
        i = closing(i + 1, '"', level + 1);
      } else if (c == '`') {
        i = closing(i + 1, '`', level + 1);
      } else if (c == '$' && i + 1 < in_.size() && (in_[i + 1] == '(' || in_[i + 1] == '{')) {
        i = closing(i + 2, in_[i + 1] == '(' ? ')' : '}', level + 1);
      } else if (c == '(' && close == ')') {
        i = closing(i + 1, ')', level + 1);
      }
    }
    return in_.size();
  }

  /// At `$` or a backtick: an expansion; what runs in it is a script.
  void expansion(bool quoted) {
    in_word_ = true;
    const bool tick = in_[at_] == '`';
    const char open = tick ? '`' : peek();
    if (!quoted && open == '\'') return escaped_quoted();
    if (!quoted && open == '"') {
      ++at_;
      return double_quoted();
    }
    if (!tick && open != '(' && open != '{') {
      const std::size_t from = at_++;
      if (alnum(open) || open == '_') {
        while (at_ < in_.size() && (alnum(in_[at_]) || in_[at_] == '_')) ++at_;
      } else if (open != '\0' && std::string_view("?@*#$!-").find(open) != std::string_view::npos) {
        ++at_;
      }
      return variable(in_.substr(from + 1, at_ - from - 1), in_.substr(from, at_ - from), quoted);
    }
    const std::size_t begin = at_ + (tick ? 1 : 2);
    const std::size_t end = closing(begin, tick ? '`' : open == '(' ? ')' : '}', 0);
    const std::string_view inner = in_.substr(begin, end - begin);
    const std::string_view written = in_.substr(at_, std::min(end + 1, in_.size()) - at_);
    variable(open == '{' ? parameter(inner) : std::string_view(), written, quoted);
    if (depth_ < kMaxNesting) {
      const bool sum = open == '(' && inner.starts_with('(') && closing(begin + 1, ')', 0) + 1 == end;  // $((1 + 2))
      if (open == '{' || sum) {
        Reader(script_, inner, depth_ + 1).expansions();
      } else {
        script_.text(inner, depth_ + 1);
      }
    }
    at_ = std::min(end + 1, in_.size());
  }
  /// The name in `${NAME}` and `${NAME:-text}`, which may set it; nothing where the value is changed.
  std::string_view parameter(std::string_view inner) {
    std::size_t end = 0;
    while (end < inner.size() && (alnum(inner[end]) || inner[end] == '_')) ++end;
    const std::string_view name = inner.substr(0, end);
    std::string_view rest = inner.substr(end);
    if (rest.empty()) return name;
    if (rest.starts_with(':')) rest.remove_prefix(1);
    if (rest.empty() || std::string_view("-=").find(rest[0]) == std::string_view::npos || name.empty()) return {};
    rest.remove_prefix(1);
    if (rest.find_first_of("$`\"'\\") == std::string_view::npos) {
      script_.variables().assign(name, rest);
    } else {
      script_.variables().forget(name);
    }
    return name;
  }
  /// An expansion: its value where it is known, else a hole.
  void variable(std::string_view name, std::string_view written, bool quoted) {
    const std::string *value = name.empty() ? nullptr : script_.value(name);
    if (value == nullptr) {
      if (word_.empty()) begins_as_ = written.substr(0, kMaxShown);
      splits_ = splits_ || !quoted;
      word_ += kHole;
      return;
    }
    for (const char c : *value) {
      if (quoted || (c != ' ' && c != '\t' && c != '\n')) {
        word_ += c;
      } else if (!word_.empty()) {
        end_word();
        in_word_ = true;
      }
    }
    in_word_ = quoted || !word_.empty();
  }
  /// $'...': what is escaped may be anything.
  void escaped_quoted() {
    for (at_ += 2; at_ < in_.size() && in_[at_] != '\''; ++at_) {
      if (in_[at_] == '\\') {
        ++at_;
        word_ += kHole;
      } else {
        word_ += in_[at_];
      }
    }
    ++at_;
  }
  void double_quoted() {
    in_word_ = true;
    for (++at_; at_ < in_.size() && in_[at_] != '"';) {
      if (in_[at_] == '\\' && at_ + 1 < in_.size()) {
        if (in_[at_ + 1] != '\n') word_ += in_[at_ + 1];
        at_ += 2;
      } else if (in_[at_] == '$' || in_[at_] == '`') {
        expansion(true);
      } else {
        word_ += in_[at_++];
      }
    }
    ++at_;
  }

  /// At `<` or `>`. The number before it and the name behind it are no words of the command.
  void redirection() {
    if (in_word_ && std::all_of(word_.begin(), word_.end(), digit)) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    const std::string_view sign = in_.substr(at_, 3);
    if (sign == "<<<") {
      at_ += 3;
      blanks();
      role_ = Role::fed;
      return;
    }
    if (sign.starts_with("<<")) {
      at_ += 2;
      return document();
    }
    bool out = false, copy = false;  // `>&2` is no file
    for (; at_ < in_.size() && std::string_view("><&|").find(in_[at_]) != std::string_view::npos; ++at_) {
      out = out || in_[at_] == '>';
      copy = in_[at_] == '&';
    }
    blanks();
    const char next = at_ < in_.size() ? in_[at_] : '\0';
    role_ = copy && (digit(next) || next == '-') ? Role::skipped : out ? Role::written : Role::read;
  }
  void blanks() {
    while (at_ < in_.size() && (in_[at_] == ' ' || in_[at_] == '\t')) ++at_;
  }
  /// Behind `<<`: the word that ends the document.
  void document() {
    Document d;
    if (at_ < in_.size() && in_[at_] == '-') {
      d.tabs = true;
      ++at_;
    }
    blanks();
    for (; at_ < in_.size() && std::string_view(" \t\n;&|()<>").find(in_[at_]) == std::string_view::npos; ++at_) {
      const char c = in_[at_];
      if (c == '\'' || c == '"' || c == '\\') {
        d.quoted = true;
      } else {
        d.end += c;
      }
    }
    documents_.push_back(std::move(d));
  }
  /// Behind the end of a line: the documents that it asked for.
  void read_documents() {
    for (const Document &d : documents_) {
      std::string body;
      while (at_ < in_.size()) {
        const std::size_t end = std::min(in_.find('\n', at_), in_.size());
        std::string_view line = in_.substr(at_, end - at_);
        at_ = std::min(end + 1, in_.size());
        if (d.tabs) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        if (line == d.end) break;
        body += line;
        body += '\n';
      }
      if (!d.quoted && depth_ < kMaxNesting) Reader(script_, body, depth_ + 1).expansions();
      if (reads_) {
        read(body);
      } else {
        fed_.push_back(std::move(body));  // the pipe may go on in the next line
      }
    }
    documents_.clear();
  }

  void step() {
    const char c = in_[at_];
    switch (c) {
      case ' ':
      case '\t':
        end_word();
        ++at_;
        break;
      case '\\':
        if (at_ + 1 < in_.size() && in_[at_ + 1] != '\n') {
          in_word_ = true;
          word_ += in_[at_ + 1];
        }
        at_ += 2;
        break;
      case '\'': {
        in_word_ = true;
        const std::size_t end = std::min(in_.find('\'', at_ + 1), in_.size());
        word_ += in_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        break;
      }
      case '"':
        double_quoted();
        break;
      case '$':
      case '`':
        expansion(false);
        break;
      case '#':
        if (in_word_) {
          word_ += c;
          ++at_;
        } else {
          at_ = std::min(in_.find('\n', at_), in_.size());
        }
        break;
      case '&':
        ++at_;
        if (at_ < in_.size() && in_[at_] == '>') break;  // &> file
        if (at_ < in_.size() && in_[at_] == '&') {
          ++at_;
          end_command(Between::both);
        } else {
          end_command(Between::other);
        }
        break;
      case '|': {
        const char next = peek();
        at_ += next == '|' || next == '&' ? std::size_t{2} : std::size_t{1};
        end_command(next == '|' ? Between::other : Between::pipe);
        break;
      }
      case '\n':
        ++at_;
        end_word();
        role_ = Role::word;
        if (!words_.empty() || !written_.empty())
          end_command(Between::other);  // after `&&` and `|` the command goes on
        read_documents();
        break;
      case ';':
        ++at_;
        end_command(Between::other);
        break;
      case '(':
      case ')':
        end_command(follows_ ? Between::both : piped_ ? Between::pipe : Between::other);
        level_ = std::max(0, level_ + (c == '(' ? 1 : -1));
        ++at_;
        break;
      case '>':
      case '<':
        redirection();
        break;
      default:
        in_word_ = true;
        word_ += c;
        ++at_;
        break;
    }
  }

  Script &script_;
  std::string_view in_;
  int depth_;
  std::size_t at_ = 0;
  std::vector<Word> words_;
  std::string word_;
  std::string begins_as_;             // of the word: the expansion it begins with
  std::vector<Word> written_, read_;  // files that the command writes and reads
  std::string before_;                // the program of the command before this one
  // What the word is: of the command, of a file that it writes or reads, what stands behind `<<<`, or nothing (`>&2`).
  enum class Role { word, written, read, fed, skipped } role_ = Role::word;
  bool in_word_ = false, splits_ = false, follows_ = false, piped_ = false, reads_ = false;
  int level_ = 0;                 // groups that are open
  std::vector<std::string> fed_;  // what commands of this pipeline are given to read
  std::size_t fed_before_ = 0;    // of it, what stood there when the command began
  std::vector<Document> documents_;
};

}  // namespace

bool Script::text(std::string_view script, int depth) { return Reader(*this, script, depth).run(); }

void Script::writes(const Word &file, bool follows) { out_.push_back({{{">", false, {}}, file}, follows, {}}); }
void Script::reads_unseen(std::string why, bool follows) {
  out_.push_back({{{"sh", false, {}}}, follows, std::move(why)});
}
bool Script::affords(std::size_t bytes) const {
  if (expanded_ + bytes > kMaxExpanded) return false;
  expanded_ += bytes;
  return true;
}
const std::string *Script::value(std::string_view variable) const {
  const auto at = environment_.find(variable);
  return at == environment_.end() || !affords(at->second.size()) ? nullptr : &at->second;
}

}  // namespace upg::safety
