#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/plan/opcodes.h"
#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"
#include "runtime/safety/rules/shell_words.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;
using plan::Op;

/// Programs of every Unix whose operands are paths. What others are given may be the name of anything: `pool/volume`.
bool operands_are_paths(std::string_view program) {
  static constexpr std::string_view kPrograms[] = {"rm", "rmdir", "unlink", "shred", "truncate"};
  return std::find(std::begin(kPrograms), std::end(kPrograms), program) != std::end(kPrograms);
}
bool is_test(std::string_view program) { return program == "test" || program == "[" || program == "[["; }

/// The path in a word: the word, or what stands behind `=` in it; empty if it is none. `bare`: every operand is one.
std::string_view path_of(std::string_view word, bool bare) {
  const std::size_t eq = word.find('=');
  if (word.starts_with('-') && eq == std::string_view::npos) return {};
  const bool of_file = word.starts_with("of=") || word.starts_with("if=");  // of dd
  const bool of_option = eq != std::string_view::npos && eq < word.find('/');
  if (of_option) word.remove_prefix(eq + 1);
  if (word.starts_with('-') || word.empty()) return {};
  const bool path = word.starts_with('/') || word.starts_with('~') || word.starts_with("./") ||
                    word.starts_with("../") || word == "." || word == ".." || word == "*";
  return path || of_file || (bare && !of_option) ? word : std::string_view();
}
bool is_absolute(std::string_view path) {
  return path.starts_with('/') || path.starts_with('~') || path.starts_with(kHole);
}
/// Whether `path` is `of` or lies in it.
bool lies_in(std::string_view path, std::string_view of) {
  while (of.size() > 1 && of.ends_with('/')) of.remove_suffix(1);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path == of || of == "/" || (path.starts_with(of) && path.size() > of.size() && path[of.size()] == '/');
}

class Walk {
 public:
  explicit Walk(Analysis &a) : a_(a) {
    for (std::uint32_t i = 0; i < a.plan.commands.size(); ++i) {
      patterns_.emplace_back(a.plan.text(a.plan.commands[i].pattern));
      for (const std::string_view beginning : patterns_.back().beginnings()) {
        std::vector<std::uint32_t> &some = beginning.empty() ? any_ : begin_[beginning];
        if (some.empty() || some.back() != i) some.push_back(i);
        if (!beginning.empty()) lengths_.push_back(beginning.size());
      }
    }
    std::sort(lengths_.begin(), lengths_.end());
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  }

  /// Every command below the node, those of probes that it asks not included.
  void find(plan::NodeId node, std::vector<plan::NodeId> &out) const {
    if (!node.valid()) return;
    const Op op = a_.plan.node(node).op;
    if (op == Op::run || op == Op::shell) out.push_back(node);
    for (const plan::NodeId kid : a_.plan.kids(node)) find(kid, out);
  }

  void action(const plan::Action &action) {
    std::vector<plan::NodeId> found;
    find(action.body, found);
    for (const plan::NodeId node : found) {
      const std::vector<SimpleCommand> all = commands_of(a_.plan, node);
      for (std::size_t i = 0; i < all.size(); ++i) {
        bool destroys = false, spoken_of = false;
        each_rule(all[i], [&](const plan::CommandRule &rule, std::string_view pattern) {
          spoken_of = true;
          destroys = destroys || rule.destroys;
          const std::string missing = uncovered(action, rule);
          if (missing.empty() || !a_.first(Kind::rule_command, node)) return;
          auto out = a_.report(Kind::rule_command, a_.range(node),
                               "`" + std::string(a_.plan.text(action.name)) + "` runs a command that " + missing +
                                   ", but does not say so");
          out.label(a_.range(rule.where), "`" + std::string(pattern) + "` implies it");
          out.label(a_.range(action.where), "declared here");
          out.help("declare the effect, so that it is proved like any other");
        });
        if (destroys) target(node, all, i);
        if (!spoken_of) unseen('`' + std::string(a_.plan.text(action.name)) + '`', node, all[i], action.where);
      }
    }
  }

  void question(plan::NodeId body, std::string_view kind, std::string_view name, const plan::Span &where) {
    std::vector<plan::NodeId> found;
    find(body, found);
    for (const plan::NodeId node : found) {
      for (const SimpleCommand &command : commands_of(a_.plan, node)) {
        unseen(std::string(kind) + " `" + std::string(name) + '`', node, command, where);
        each_rule(command, [&](const plan::CommandRule &rule, std::string_view pattern) {
          if (!a_.first(Kind::rule_command, node)) return;
          auto out = a_.report(Kind::rule_command, a_.range(node),
                               std::string(kind) + " `" + std::string(name) +
                                   "` runs a command that changes something; a question may only read");
          out.label(a_.range(rule.where), "`" + std::string(pattern) + "` implies effects");
          if (where.valid()) out.label(a_.range(where), "declared here");
          out.help("do it in an action");
        });
      }
    }
  }

 private:
  /// The rules that speak of a command, each with the pattern that does.
  template <class Use>
  void each_rule(const SimpleCommand &command, Use use) const {
    const std::string text = command.text(), spread = command.spread();
    std::vector<std::uint32_t> others;
    for (const std::string_view line : {std::string_view(text), std::string_view(spread)}) {
      for (const std::size_t length : lengths_) {
        if (length > line.size()) break;
        const auto some = begin_.find(line.substr(0, length));
        if (some != begin_.end()) others.insert(others.end(), some->second.begin(), some->second.end());
      }
    }
    sort_unique(others);
    for (const std::vector<std::uint32_t> *some : {&any_, &std::as_const(others)}) {
      for (const std::uint32_t i : *some) {
        const std::string_view pattern = patterns_[i].matching(text, spread);
        if (!pattern.empty()) use(a_.plan.commands[i], pattern);
      }
    }
  }

  /// A command whose program nobody can tell from the text.
  void unseen(std::string who, plan::NodeId node, const SimpleCommand &command, const plan::Span &where) {
    if (command.unseen.empty() || !a_.first(Kind::rule_command, node)) return;
    auto out = a_.report(Kind::rule_command, a_.range(node), std::move(who) + ": " + command.unseen);
    if (where.valid()) out.label(a_.range(where), "declared here");
    out.note("what a command does is told by its name: of one that cannot be seen nothing is known");
    std::string text = command.words[0].text;
    for (char &c : text) {
      if (c == kHole) c = '*';
    }
    out.help("write the program's name, or say what it does at least: `command \"" + text + "*\" implies ...`");
  }

  /// What a command that destroys is given is certain: absolute paths, words that cannot split, what was tested before.
  void target(plan::NodeId node, const std::vector<SimpleCommand> &all, std::size_t at) {
    const SimpleCommand &command = all[at];
    const bool bare = operands_are_paths(command.words[0].text);
    std::vector<std::string_view> paths;
    for (std::size_t i = 1; i < command.words.size(); ++i) {
      const Word &word = command.words[i];
      const std::string_view path = path_of(word.text, bare);
      if (word.splits) {
        report(node, "what `" + command.words[0].text + "` destroys is a variable outside of quotes",
               "the shell splits it at blanks, and drops it if it is empty",
               "quote it, or interpolate it: `${name}` in a text is one word");
      } else if (!path.empty() && !is_absolute(path)) {
        report(node,
               "`" + command.words[0].text + "` destroys `" + std::string(path) + "`, a path that is not absolute",
               "where a command runs on a host is nobody's promise", "write the path from `/` on");
      }
      if (!path.empty()) paths.push_back(path);
    }
    // The test that the command hangs on is about another path.
    std::vector<std::string> tested;
    for (std::size_t i = at; i > 0 && all[i].follows; --i) {
      const std::vector<Word> &words = all[i - 1].words;
      if (!is_test(words[0].text)) continue;
      for (std::size_t w = 1; w < words.size(); ++w) {
        const std::string_view path = path_of(words[w].text, false);
        if (!path.empty()) tested.emplace_back(path);
      }
    }
    if (tested.empty() || paths.empty()) return;
    const bool meant = std::any_of(paths.begin(), paths.end(), [&](std::string_view p) {
      return std::any_of(tested.begin(), tested.end(),
                         [&](const std::string &t) { return lies_in(p, t) || lies_in(t, p); });
    });
    if (meant) return;
    report(node, "`" + tested.front() + "` is tested, but `" + std::string(paths.front()) + "` is destroyed",
           "the test protects another path than the one that goes", "test the path that the command is given");
  }

  void report(plan::NodeId node, std::string message, std::string why, std::string help) {
    for (char &c : message) {
      if (c == kHole) c = '*';
    }
    if (!a_.first(Kind::rule_target, node)) return;
    a_.report(Kind::rule_target, a_.range(node), std::move(message)).note(std::move(why)).help(std::move(help));
  }

  /// What of the implied effects the action does not declare, in words.
  std::string uncovered(const plan::Action &action, const plan::CommandRule &rule) const {
    std::set<std::uint32_t> changes, disrupts;
    bool all_down = false, destroys = false;
    const auto read = [&](const std::vector<plan::NodeId> &effects) {
      for (const plan::NodeId e : effects) {
        const plan::Node &n = a_.plan.node(e);
        if (n.op == Op::changes) changes.insert(n.a);
        if (n.op == Op::disrupts && n.a != plan::all_roles) disrupts.insert(n.a);
        if (n.op == Op::reinstalls || (n.op == Op::disrupts && n.a == plan::all_roles)) all_down = true;
        if (n.op == Op::reinstalls || n.op == Op::destroys) destroys = true;
      }
    };
    read(action.effects);
    const auto role = [&](plan::RoleId r) {
      return '`' + std::string(a_.plan.text(a_.plan.roles[r.index].name)) + '`';
    };
    if (rule.disrupts_all && !all_down) return "disrupts every role of its host";
    if (rule.destroys && !destroys) return "destroys";
    for (const plan::RoleId r : rule.disrupts) {
      if (!all_down && !disrupts.contains(r.index)) return "disrupts " + role(r);
    }
    for (const plan::RoleId r : rule.changes) {
      if (!all_down && !changes.contains(r.index) && !disrupts.contains(r.index)) return "changes " + role(r);
    }
    if (rule.changes_all && !all_down && changes.empty() && disrupts.empty()) return "changes roles of its host";
    return {};
  }

  Analysis &a_;
  std::vector<CommandPatterns> patterns_;                                   // of each rule
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> begin_;  // rules, by what a command begins with
  std::vector<std::size_t> lengths_;                                        // of those beginnings, ascending
  std::vector<std::uint32_t> any_;  // rules that a command may match whatever it begins with
};

void check(Analysis &a) {
  if (a.plan.commands.empty()) return;
  Walk walk(a);
  for (const plan::Action &action : a.plan.actions) walk.action(action);
  for (const plan::Probe &p : a.plan.probes) walk.question(p.body, "probe", a.plan.text(p.name), p.where);
  for (const plan::Gate &g : a.plan.gates) {
    walk.question(g.pass, "gate", a.plan.text(g.name), g.where);
    walk.question(g.fail, "gate", a.plan.text(g.name), g.where);
  }
  for (const plan::State &s : a.plan.states) walk.question(s.observe, "state", a.plan.text(s.name), s.where);
  for (const plan::Hold &h : a.plan.holds) walk.question(h.observe, "hold", a.plan.text(h.name), h.where);
  for (const plan::Action &action : a.plan.actions)
    walk.question(action.done_when, "`done when` of", a.plan.text(action.name), action.where);
}

}  // namespace

Rule command_rule() {
  return {
      Kind::rule_command, "command",
      R"(`command "pattern" implies ...` says what a command does at least. An action that runs a matching command must declare those effects, or
the proof would not know of them; a probe or gate must not run one at all. The commands of a shell text are looked at one by one, also behind
`sudo`, `env X=Y`, `timeout 5`, a full path, a variable that is set in the script, an alias, in `$( )`, in `sh -c` and in what a shell reads;
`"> FILE"` speaks of a file that is written to. A program that nobody can name from the text is an error: name it, or write a line that speaks of it,
`command "$R *" implies ...`. `"P | Q except R"` has several patterns and exceptions.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
command "systemctl restart postgresql*" implies disrupts member
action restart(h: host) {
  changes member on h
  run("systemctl", "restart", "postgresql.service") on h
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  restart(node1)
  await in_service(node1)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
command "systemctl restart postgresql*" implies disrupts member
action restart(h: host) {
  disrupts member on h
  run("systemctl", "restart", "postgresql.service") on h
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await stoppable(node1)
  restart(node1)
  await in_service(node1)
}
)upg",
      check, false};
}

Rule target_rule() {
  return {
      Kind::rule_target, "target",
      R"(A command that destroys (`command "..." implies destroys`) is given what it destroys beyond doubt: a path from `/` on, no variable of the
shell outside of quotes, and, where a test stands before it, the path that was tested. The rule cannot be waived.)",
      // failing
      UPG_EXAMPLE_HEAD R"upg(
command "rm -r*" implies destroys
gate spare_copy(h: host) { pass when (run("test", "-e", "/backup/${h.name}") on node1).code == 0  poll 2s for 5m  watches member }
action clean(h: host) {
  requires spare_copy(h)
  destroys "the cache of the member"
  sh("test -d /var/cache/member && rm -rf /var/cache/members") on h
  takes 1s..1m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await spare_copy(node2)
  clean(node2)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
command "rm -r*" implies destroys
gate spare_copy(h: host) { pass when (run("test", "-e", "/backup/${h.name}") on node1).code == 0  poll 2s for 5m  watches member }
action clean(h: host) {
  requires spare_copy(h)
  destroys "the cache of the member"
  sh("test -d /var/cache/member && rm -rf /var/cache/member") on h
  takes 1s..1m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await spare_copy(node2)
  clean(node2)
}
)upg",
      nullptr, false};
}

}  // namespace upg::safety
