#include <algorithm>
#include <array>
#include <cctype>

#include "runtime/safety/rules/shell_script.h"

namespace upg::safety {
namespace {

constexpr std::size_t kMaxReadings = 16;  // of the options of one wrapper

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

constexpr std::array<std::string_view, 7> kShells{"sh", "bash", "dash", "ash", "zsh", "ksh", "rbash"};
constexpr std::array<std::string_view, 4> kExec{"-exec", "-execdir", "-ok", "-okdir"};

/// A program that runs another.
struct Wrapper {
  std::string_view name;
  std::string_view with_value;                         // letters of its options that take a value
  std::size_t own = 0;                                 // words of its own before the command
  char script = '\0';                                  // letter of the option whose value is a script
  enum Rest { command, joined, none } rest = command;  // what the other words are: a command, a script, nothing to run
};
constexpr std::array kWrappers{Wrapper{"sudo", "ughpCrtTUDR"},
                               Wrapper{"doas", "uC"},
                               Wrapper{"pkexec", ""},
                               Wrapper{"su", "sgGwT", 0, 'c', Wrapper::none},
                               Wrapper{"runuser", "usgGw", 0, 'c'},
                               Wrapper{"setpriv", ""},
                               Wrapper{"env", "uCSa", 0, 'S'},
                               Wrapper{"nohup", ""},
                               Wrapper{"exec", "a"},
                               Wrapper{"time", "fo"},
                               Wrapper{"command", ""},
                               Wrapper{"builtin", ""},
                               Wrapper{"busybox", ""},
                               Wrapper{"toybox", ""},
                               Wrapper{"nice", "n"},
                               Wrapper{"ionice", "cnpPu"},
                               Wrapper{"chrt", "TPD", 1},
                               Wrapper{"taskset", "", 1},
                               Wrapper{"numactl", "NCmp"},
                               Wrapper{"prlimit", ""},
                               Wrapper{"strace", "abeEIoOpPsSuUX"},
                               Wrapper{"timeout", "ks", 1},
                               Wrapper{"chroot", "", 1},
                               Wrapper{"setsid", ""},
                               Wrapper{"stdbuf", "ioe"},
                               Wrapper{"systemd-run", "puEHM"},
                               Wrapper{"systemd-inhibit", ""},
                               Wrapper{"xargs", "aEILnPsd"},
                               Wrapper{"parallel", "jNIaLns"},
                               Wrapper{"flock", "wE", 1, 'c'},
                               Wrapper{"script", "cEIOBTmo", 0, 'c', Wrapper::none},
                               Wrapper{"watch", "nq", 0, '\0', Wrapper::joined},
                               Wrapper{"nsenter", "tSG"},
                               Wrapper{"unshare", "SGRw"},
                               Wrapper{"ssh", "BbcDEeFIiJLlmOoPpQRSWw", 1, '\0', Wrapper::joined},
                               Wrapper{"at", "fqt", 0, '\0', Wrapper::none},
                               Wrapper{"batch", "", 0, '\0', Wrapper::none}};

/// Where the command behind a wrapper may begin. A long option without `=` takes the next word, or it does not: both.
std::vector<std::size_t> behind(const std::vector<Word> &words, std::size_t at, const Wrapper &wrapper) {
  struct Reading {
    std::size_t at, own;
    bool options;
  };
  std::vector<std::size_t> found;
  std::vector<Reading> open{{at, wrapper.own, true}};
  for (std::size_t i = 0; i < open.size(); ++i) {
    Reading r = open[i];
    for (; r.at < words.size(); ++r.at) {
      const std::string_view word = words[r.at].text;
      if (r.options && word == "--") {
        r.options = false;
      } else if (r.options && is_option(word) && word[1] == '-') {
        const bool maybe_value =
            word.find('=') == std::string_view::npos && r.at + 1 < words.size() && !is_option(words[r.at + 1].text);
        if (maybe_value && open.size() < kMaxReadings) open.push_back({r.at + 2, r.own, true});
      } else if (r.options && is_option(word)) {
        const std::size_t letter = word.find_first_of(wrapper.with_value, 1);
        if (letter + 1 == word.size()) ++r.at;
      } else if (r.own > 0) {
        --r.own;
      } else {
        break;
      }
    }
    if (r.at < words.size() && std::find(found.begin(), found.end(), r.at) == found.end()) found.push_back(r.at);
  }
  return found;
}

}  // namespace

bool is_assignment(std::string_view word) {
  const std::string_view name = word.substr(0, std::min(word.find('='), word.size()));
  return name.size() < word.size() && !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
}
std::string_view base_name(std::string_view program) {
  const std::size_t slash = program.rfind('/');
  return slash == std::string_view::npos ? program : program.substr(slash + 1);
}
std::string joined(const std::vector<Word> &words, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < words.size(); ++i) out += (out.empty() ? "" : " ") + words[i].text;
  return out;
}

/// One command line on its way through its wrappers.
struct Script::Peeling {
  Script &script;
  const std::vector<Word> &words;
  bool follows;
  int depth;
  std::vector<std::size_t> open{0};
  bool reads = false;
  bool sure = true;  // that a word is the program, and not the value of an option before it

  void run() {
    std::vector<bool> tried(words.size());
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      if (at >= words.size() || tried[at]) continue;
      tried[at] = true;
      step(at);
    }
  }

 private:
  void step(std::size_t at) {
    const std::string &word = words[at].text;
    if (is_assignment(word) || one_of(kKeywords, word)) {
      follows = follows || word == "then" || word == "do";
      open.push_back(at + 1);
      return;
    }
    const std::string_view name = base_name(word);
    if (words[at].splits && word == std::string(1, kHole)) open.push_back(at + 1);  // `$SUDO reboot`, and SUDO is empty
    aliased(at);
    if (name == "alias") {
      alias(at);
    } else if (name == "." || name == "source") {
      open.push_back(at + 1);  // the file is as good as a program
      emit(at);
    } else if (name == "function") {
      open.push_back(at + 2);
    } else if (name == "command" && at + 1 < words.size() &&
               (words[at + 1].text == "-v" || words[at + 1].text == "-V")) {
      emit(at);  // asks where the program is
    } else if (name == "eval") {
      inner(joined(words, at + 1));
    } else if (name == "trap") {
      if (at + 1 < words.size()) inner(words[at + 1].text);
    } else if (one_of(kShells, name)) {
      shell(at);
    } else {
      const auto *wrapper =
          std::find_if(kWrappers.begin(), kWrappers.end(), [&](const Wrapper &w) { return w.name == name; });
      if (wrapper != kWrappers.end()) {
        unwrap(at, *wrapper);
      } else {
        if (name == "find") executed(at);
        emit(at);
      }
    }
  }

  void unwrap(std::size_t at, const Wrapper &wrapper) {
    const bool scripted = wrapper.script != '\0' && depth < kMaxNesting && scripts(at, wrapper);
    if (wrapper.rest == Wrapper::none) {
      reads = reads || !scripted;
      return emit(at);
    }
    const std::vector<std::size_t> found = behind(words, at + 1, wrapper);
    reads = reads || (found.empty() && !scripted);
    if (found.empty()) return emit(at);
    sure = sure && found.size() == 1;
    if (wrapper.rest == Wrapper::joined && depth < kMaxNesting) {
      for (const std::size_t begin : found) inner(joined(words, begin));
    } else {
      open.insert(open.end(), found.rbegin(), found.rend());
    }
  }

  /// `su -c TEXT`, `--command=TEXT`, `env -S TEXT`.
  bool scripts(std::size_t at, const Wrapper &wrapper) {
    const std::size_t before = script.out_.size();
    for (std::size_t i = at + 1; i < words.size(); ++i) {
      const std::string_view word = words[i].text;
      if (!is_option(word)) continue;
      const std::size_t eq = word.find('=');
      if (word[1] == '-') {
        const std::string_view name = word.substr(2, eq == std::string_view::npos ? eq : eq - 2);
        if (name != "command" && name != "session-command" && name != "split-string") continue;
        if (eq != std::string_view::npos) {
          inner(std::string(word.substr(eq + 1)));
          break;
        }
      } else {
        const std::size_t letter = word.find(wrapper.script, 1);
        if (letter == std::string_view::npos) continue;
        if (letter + 1 < word.size()) {
          inner(std::string(word.substr(letter + 1)));
          break;
        }
      }
      if (i + 1 < words.size()) inner(words[i + 1].text);
      break;  // one is enough: the cost stays linear
    }
    return script.out_.size() > before;
  }

  /// `sh -c TEXT` runs the text, `sh FILE` a file, and `sh` alone what it reads.
  void shell(std::size_t at) {
    bool text = false, input = false;
    std::size_t i = at + 1;
    for (; i < words.size() && (is_option(words[i].text) || words[i].text.starts_with('+')); ++i) {
      const std::string_view word = words[i].text;
      if (word == "--") {
        ++i;
        break;
      }
      if (word[1] == '-') continue;
      text = text || word.find('c') != std::string_view::npos;
      input = input || word.find('s') != std::string_view::npos;
      if (word.back() == 'o' || word.back() == 'O') ++i;
    }
    if (text && i < words.size() && depth < kMaxNesting) return inner(words[i].text);
    const bool here = input || i >= words.size() || words[i].text == "-" || words[i].text.starts_with("/dev/");
    reads = reads || here;
    if (!here) open.push_back(i);  // a file is as good as a program
    emit(at);
  }

  /// `find -exec COMMAND ;`
  void executed(std::size_t at) {
    if (depth >= kMaxNesting) return;
    for (std::size_t i = at + 1; i < words.size(); ++i) {
      if (!one_of(kExec, words[i].text)) continue;
      std::vector<Word> command;
      for (++i; i < words.size() && words[i].text != ";" && words[i].text != "+"; ++i) command.push_back(words[i]);
      script.keep(command, false, depth + 1);
    }
  }

  void inner(const std::string &text) {
    const std::size_t before = script.out_.size();
    if (depth < kMaxNesting) script.text(text, depth + 1);
    if (follows && before < script.out_.size()) script.out_[before].follows = true;
  }

  void emit(std::size_t at) {
    std::vector<Word> rest(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    rest[0].text = std::string(base_name(rest[0].text));
    if (rest[0].text.empty()) return;
    std::string why = sure ? unseen(rest[0]) : std::string();
    if (!rest[0].begins_as.empty() && rest[0].text[0] == kHole)
      rest[0].text = rest[0].begins_as + rest[0].text.substr(1);  // so that a `command` line can speak of it
    script.out_.push_back({std::move(rest), follows, std::move(why)});
  }

  /// Why nobody can say which program the word is.
  static std::string unseen(const Word &program) {
    if (program.text[0] != kHole) return {};
    if (program.begins_as.empty()) return "which program it runs is known at run time only";
    return "it runs `" + program.begins_as + "`, and nothing says what program that is";
  }

  /// `alias NAME=TEXT`
  void alias(std::size_t at) {
    emit(at);
    for (std::size_t i = at + 1; i < words.size(); ++i) {
      const std::string_view word = words[i].text;
      const std::size_t eq = word.find('=');
      if (eq == std::string_view::npos || eq == 0) continue;
      const std::string text(word.substr(eq + 1));
      script.aliases_[std::string(word.substr(0, eq))] = text;
      inner(text);
    }
  }
  /// What an alias stands for, in its place; an alias in an alias is not looked at.
  void aliased(std::size_t at) {
    const auto found = script.aliases_.find(words[at].text);
    if (found == script.aliases_.end() || script.in_alias_) return;
    const std::string text = found->second + ' ' + joined(words, at + 1);
    if (!script.affords(text.size())) return;
    script.in_alias_ = true;
    inner(text);
    script.in_alias_ = false;
  }
};

bool Script::keep(const std::vector<Word> &words, bool follows, int depth) {
  Peeling peeling{*this, words, follows, depth};
  peeling.run();
  return peeling.reads;
}

}  // namespace upg::safety
