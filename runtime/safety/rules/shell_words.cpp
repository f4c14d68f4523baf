#include "runtime/safety/rules/shell_words.h"

#include <algorithm>
#include <cctype>

#include "runtime/plan/opcodes.h"
#include "runtime/safety/rules/shell_script.h"

namespace upg::safety {
namespace {

using plan::Op;

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

/// Several options behind one dash: `-rf`.
bool is_cluster(std::string_view word) {
  return word.size() > 2 && word[0] == '-' && std::all_of(word.begin() + 1, word.end(), [](char c) {
           return std::isalpha(static_cast<unsigned char>(c)) != 0;
         });
}

}  // namespace

std::string SimpleCommand::text() const {
  std::string out;
  for (const Word &w : words) {
    if (!out.empty()) out += ' ';
    out += w.text;
  }
  return out;
}

std::string SimpleCommand::spread() const {
  std::string out = words[0].text;
  bool options = true;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string &word = words[i].text;
    options = options && word != "--";
    if (options && is_cluster(word)) {
      for (const char letter : std::string_view(word).substr(1)) {
        out += " -";
        out += letter;
      }
    } else {
      out += ' ' + word;
    }
  }
  return out;
}

std::vector<SimpleCommand> commands_of(const plan::Plan &p, plan::NodeId node) {
  const bool shell = p.node(node).op == Op::shell;
  std::string text, input;
  std::vector<Word> words;
  for (const plan::NodeId kid : p.kids(node)) {
    if (p.node(kid).op == Op::stdin_is) append(p, p.kids(kid)[0], input);
    if (plan::info(p.node(kid).op).category != plan::Category::expr) continue;
    if (shell) {
      append(p, kid, text);
    } else {
      append_words(p, kid, words);
    }
  }
  std::vector<SimpleCommand> out;
  const auto read = [&](Script &&script) {
    const bool reads = shell ? script.text(text) : script.keep(words);
    if (reads && !input.empty()) script.text(input);
    return script.variables().ways();
  };
  const std::vector<Environment> ways = read(Script(out));
  if (ways.size() == 1 && ways[0].empty()) return out;
  for (SimpleCommand &command : out) command.unseen.clear();  // what the variables are says whether it is
  for (const Environment &way : ways) read(Script(out, way));
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

CommandPatterns::CommandPatterns(std::string_view line) {
  static constexpr std::string_view kExcept = " except ", kOr = " | ";
  const auto split = [](std::string_view some, std::vector<std::string_view> &out) {
    while (true) {
      const std::size_t bar = some.find(kOr);
      out.push_back(some.substr(0, bar));
      if (bar == std::string_view::npos) return;
      some.remove_prefix(bar + kOr.size());
    }
  };
  const std::size_t at = line.find(kExcept);
  split(line.substr(0, at), patterns_);
  if (at != std::string_view::npos) split(line.substr(at + kExcept.size()), except_);
}

std::string_view CommandPatterns::matching(std::string_view text, std::string_view spread) const {
  const auto matches = [&](std::string_view pattern) {
    return matches_pattern(pattern, text) || (spread != text && matches_pattern(pattern, spread));
  };
  const auto found = std::find_if(patterns_.begin(), patterns_.end(), matches);
  if (found == patterns_.end() || std::any_of(except_.begin(), except_.end(), matches)) return {};
  return *found;
}

std::vector<std::string_view> CommandPatterns::beginnings() const {
  std::vector<std::string_view> out;
  for (const std::string_view pattern : patterns_) out.push_back(pattern.substr(0, pattern.find_first_of("*?")));
  return out;
}

}  // namespace upg::safety
