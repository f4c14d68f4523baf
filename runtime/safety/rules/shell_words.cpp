#include "runtime/safety/rules/shell_words.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "runtime/plan/opcodes.h"

namespace upg::safety {
namespace {

using plan::Op;

constexpr int kMaxNesting = 8;  // of `sh -c` and `$( )`; deeper text is matched as it stands

/// The text of a constant part; a hole for anything else.
void append(const plan::Plan &p, plan::NodeId node, std::string &out) {
  const plan::Node &n = p.node(node);
  switch (n.op) {
    case Op::text:
      out += p.strings[n.a];
      break;
    case Op::number:
      out += std::to_string(p.integers[n.a]);
      break;
    case Op::concat:
      for (const plan::NodeId kid : p.kids(node)) append(p, kid, out);
      break;
    default:
      out += kHole;
      break;
  }
}

/// The words of an argument list: a list in it is spliced.
void append_words(const plan::Plan &p, plan::NodeId node, std::vector<Word> &out) {
  if (p.node(node).op == Op::list) {
    for (const plan::NodeId kid : p.kids(node)) append_words(p, kid, out);
    return;
  }
  out.emplace_back();
  append(p, node, out.back().text);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
}
bool assignment(std::string_view word) {
  const std::size_t eq = word.find('=');
  return eq != std::string_view::npos && is_name(word.substr(0, eq));
}
std::string_view base_name(std::string_view program) {
  const std::size_t slash = program.rfind('/');
  return slash == std::string_view::npos ? program : program.substr(slash + 1);
}

/// A program that runs another: the letters of its options that take a value, and how many words of its own stand
/// before the command.
struct Wrapper {
  std::string_view name;
  std::string_view with_value;
  std::size_t own = 0;
};
constexpr std::array kWrappers{Wrapper{"sudo", "ughpCrtTUDR"},
                               Wrapper{"doas", "uC"},
                               Wrapper{"env", "uCS"},
                               Wrapper{"nohup", ""},
                               Wrapper{"exec", "a"},
                               Wrapper{"time", "fo"},
                               Wrapper{"command", ""},
                               Wrapper{"builtin", ""},
                               Wrapper{"nice", "n"},
                               Wrapper{"ionice", "cnpPu"},
                               Wrapper{"chrt", "TPD", 1},
                               Wrapper{"timeout", "ks", 1},
                               Wrapper{"chroot", "", 1},
                               Wrapper{"setsid", ""},
                               Wrapper{"stdbuf", "ioe"},
                               Wrapper{"systemd-run", "puHMt"},
                               Wrapper{"xargs", "aEeIiLlnPsd"},
                               Wrapper{"flock", "wE", 1},
                               Wrapper{"runuser", "ugG"},
                               Wrapper{"watch", "nq"},
                               Wrapper{"nsenter", "tSG"},
                               Wrapper{"unshare", "SG"},
                               Wrapper{"ssh", "bcDEeFIiJLlmOopQRSWw", 1},
                               Wrapper{"su", "sgG", 1}};
constexpr std::array<std::string_view, 10> kKeywords{"then",  "do",    "else", "elif", "if",
                                                     "while", "until", "!",    "{",    "}"};
constexpr std::array<std::string_view, 7> kShells{"sh", "bash", "dash", "ash", "zsh", "ksh", "su"};

class Script {
 public:
  explicit Script(std::vector<SimpleCommand> &out) : out_(out) {}

  void text(std::string_view script, int depth) {
    Reader reader{*this, script, depth};
    reader.run();
  }

  /// Peels off what wraps the command and keeps the rest.
  void keep(std::vector<Word> words, bool follows, int depth) {
    std::size_t first = 0;
    while (first < words.size()) {
      const std::string &word = words[first].text;
      if (assignment(word) || std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end()) {
        follows = follows || word == "then" || word == "do";
        ++first;
        continue;
      }
      const std::string_view name = base_name(word);
      if (inner_script(words, first, name, follows, depth)) return;
      const auto *wrapper =
          std::find_if(kWrappers.begin(), kWrappers.end(), [&](const Wrapper &w) { return w.name == name; });
      if (wrapper == kWrappers.end()) break;
      const std::size_t next = behind(words, first + 1, *wrapper);
      if (next >= words.size()) break;  // the wrapper alone
      first = next;
    }
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
    if (words.empty()) return;
    words[0].text = std::string(base_name(words[0].text));
    if (!words[0].text.empty()) out_.push_back({std::move(words), follows});
  }

 private:
  static std::size_t behind(const std::vector<Word> &words, std::size_t at, const Wrapper &wrapper) {
    while (at < words.size() && words[at].text.size() > 1 && words[at].text[0] == '-') {
      const std::string &option = words[at++].text;
      if (option == "--") break;
      if (option[1] == '-') continue;  // a long option: its value, if any, is taken for it only after `=`
      const char last = option.back();
      if (option.size() == 2 && wrapper.with_value.find(last) != std::string_view::npos) ++at;
    }
    return at + wrapper.own;
  }

  /// `sh -c "..."`, `su -c "..."`, `eval ...`: the text is a script of its own.
  bool inner_script(const std::vector<Word> &words, std::size_t first, std::string_view name, bool follows, int depth) {
    if (depth >= kMaxNesting) return false;
    const std::size_t before = out_.size();
    if (name == "eval") {
      std::string all;
      for (std::size_t i = first + 1; i < words.size(); ++i) all += words[i].text + ' ';
      text(all, depth + 1);
    } else if (std::find(kShells.begin(), kShells.end(), name) != kShells.end()) {
      std::size_t at = first + 1;
      while (at < words.size() && !(words[at].text.size() > 1 && words[at].text[0] == '-' && words[at].text[1] != '-' &&
                                    words[at].text.find('c') != std::string::npos))
        ++at;
      if (at + 1 >= words.size()) return false;
      text(words[at + 1].text, depth + 1);
    } else {
      return false;
    }
    if (follows && before < out_.size()) out_[before].follows = true;
    return true;
  }

  /// Splits a script into words and commands as a shell does.
  struct Reader {
    Script &script;
    std::string_view in;
    int depth;
    std::size_t at = 0;
    std::vector<Word> words{};
    std::string word{};
    bool in_word = false, splits = false, follows = false, skip_word = false;

    void end_word() {
      if (in_word && !skip_word) words.push_back({word, splits});
      if (in_word) skip_word = false;
      word.clear();
      in_word = splits = false;
    }
    void end_command(bool next_follows) {
      end_word();
      skip_word = false;
      if (!words.empty()) script.keep(std::move(words), follows, depth);
      words.clear();
      follows = next_follows;
    }
    char peek(std::size_t ahead = 1) const { return at + ahead < in.size() ? in[at + ahead] : '\0'; }

    /// At `$` or a backtick: an expansion; what runs in it is a script.
    void expansion(bool quoted) {
      in_word = true;
      splits = splits || !quoted;
      word += kHole;
      const bool tick = in[at] == '`';
      const char open = tick ? '`' : peek();
      if (!tick && open != '(' && open != '{') {
        ++at;
        while (at < in.size() && (std::isalnum(static_cast<unsigned char>(in[at])) != 0 || in[at] == '_')) ++at;
        if (at < in.size() && in[at - 1] == '$') ++at;  // $?, $1, $@
        return;
      }
      const std::size_t begin = at + (tick ? 1 : 2);
      const char close = tick ? '`' : open == '(' ? ')' : '}';
      std::size_t end = begin;
      for (int level = 1; end < in.size(); ++end) {
        if (!tick && in[end] == open) ++level;
        if (in[end] == close && --level == 0) break;
      }
      if (open != '{' && depth < kMaxNesting) script.text(in.substr(begin, end - std::min(end, begin)), depth + 1);
      at = std::min(end + 1, in.size());
    }
    void double_quoted() {
      in_word = true;
      for (++at; at < in.size() && in[at] != '"';) {
        if (in[at] == '\\' && at + 1 < in.size()) {
          word += in[at + 1];
          at += 2;
        } else if (in[at] == '$' || in[at] == '`') {
          expansion(true);
        } else {
          word += in[at++];
        }
      }
      ++at;
    }
    void run() {
      while (at < in.size()) {
        const char c = in[at];
        switch (c) {
          case ' ':
          case '\t':
            end_word();
            ++at;
            break;
          case '\\':
            in_word = true;
            if (at + 1 < in.size() && in[at + 1] != '\n') word += in[at + 1];
            at += 2;
            break;
          case '\'': {
            in_word = true;
            const std::size_t end = std::min(in.find('\'', at + 1), in.size());
            word += in.substr(at + 1, end - at - 1);
            at = end + 1;
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
            if (in_word) {
              word += c;
              ++at;
            } else {
              at = std::min(in.find('\n', at), in.size());
            }
            break;
          case '&':
            if (peek() == '&') {
              end_command(true);
              at += 2;
            } else if (peek() == '>') {
              ++at;  // &> file
            } else {
              end_command(false);
              ++at;
            }
            break;
          case '|':
            end_command(false);
            at += peek() == '|' ? std::size_t{2} : std::size_t{1};
            break;
          case ';':
          case '\n':
            end_command(false);
            ++at;
            break;
          case '(':
          case ')':
            end_command(follows);
            ++at;
            break;
          case '>':
          case '<':
            // The number before it and the name behind it are no words of the command.
            if (in_word && std::all_of(word.begin(), word.end(),
                                       [](char d) { return std::isdigit(static_cast<unsigned char>(d)) != 0; })) {
              word.clear();
              in_word = false;
            }
            end_word();
            while (at < in.size() && (in[at] == '>' || in[at] == '<' || in[at] == '&' || in[at] == '|')) ++at;
            while (at < in.size() && (in[at] == ' ' || in[at] == '\t')) ++at;
            skip_word = true;
            break;
          default:
            in_word = true;
            word += c;
            ++at;
            break;
        }
      }
      end_command(false);
    }
  };

  std::vector<SimpleCommand> &out_;
};

}  // namespace

std::string SimpleCommand::text() const {
  std::string out;
  for (const Word &w : words) {
    if (!out.empty()) out += ' ';
    out += w.text;
  }
  return out;
}

std::vector<SimpleCommand> commands_of(const plan::Plan &p, plan::NodeId node) {
  std::vector<SimpleCommand> out;
  Script script(out);
  if (p.node(node).op == Op::shell) {
    std::string text;
    for (const plan::NodeId kid : p.kids(node)) {
      if (plan::info(p.node(kid).op).category == plan::Category::expr) append(p, kid, text);
    }
    script.text(text, 0);
    return out;
  }
  std::vector<Word> words;
  for (const plan::NodeId kid : p.kids(node)) {
    if (plan::info(p.node(kid).op).category == plan::Category::expr) append_words(p, kid, words);
  }
  script.keep(std::move(words), false, 0);
  return out;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && text[t] != kHole && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace upg::safety
