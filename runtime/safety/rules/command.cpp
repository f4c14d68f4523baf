#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "runtime/plan/opcodes.h"
#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;
using plan::Op;

constexpr char kHole = '\x01';  // something known at run time only: matched by a `*` of the pattern and by nothing else

bool glob(std::string_view pattern, std::string_view text) {
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
    case Op::list:
      for (std::size_t i = 0; i < n.count; ++i) {
        if (i != 0) out += ' ';
        append(p, p.kid(node, i), out);
      }
      break;
    default:
      out += kHole;
      break;
  }
}

bool assignment(std::string_view word) {
  const std::size_t eq = word.find('=');
  return eq != std::string_view::npos && eq != 0 && word.find('/') > eq && word[0] != '-';
}

/// One simple command as the patterns see it: without `sudo`, `env`, assignments and the directory of the program.
std::string simple(std::string text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + ' ') {
    if (c == ' ' || c == '\t') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else if (c != '"' && c != '\'' && c != '\\') {
      word += c;
    }
  }
  std::size_t first = 0;
  static const std::set<std::string_view> wrappers = {"sudo", "env", "nohup", "exec", "time", "command",
                                                      "then", "do",  "else",  "if",   "!",    "{"};
  while (first < words.size()) {
    if (assignment(words[first]))
      ++first;
    else if (wrappers.contains(words[first])) {
      for (++first; first < words.size() && words[first][0] == '-';) ++first;
    } else
      break;
  }
  std::string out;
  for (std::size_t i = first; i < words.size(); ++i) {
    std::string w = words[i];
    if (i == first) {
      const std::size_t slash = w.rfind('/');
      if (slash != std::string::npos) w.erase(0, slash + 1);
    } else {
      out += ' ';
    }
    out += w;
  }
  return out;
}

/// The commands of a `run` or `shell` node.
std::vector<std::string> commands(const plan::Plan &p, plan::NodeId node) {
  std::string text;
  const bool shell = p.node(node).op == Op::shell;
  bool first = true;
  for (const plan::NodeId kid : p.kids(node)) {
    if (plan::info(p.node(kid).op).category != plan::Category::expr) continue;
    if (!shell && !first) text += ' ';
    first = false;
    append(p, kid, text);
  }
  std::vector<std::string> out;
  if (!shell) {
    out.push_back(simple(text));
    return out;
  }
  std::string part;
  for (const char c : text + ';') {
    if (c == ';' || c == '|' || c == '&' || c == '\n' || c == '(' || c == ')' || c == '`') {
      std::string one = simple(part);
      if (!one.empty()) out.push_back(std::move(one));
      part.clear();
    } else if (c != '$') {
      part += c;
    }
  }
  return out;
}

class Walk {
 public:
  explicit Walk(Analysis &a) : a_(a) {}

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
      for (const std::string &command : commands(a_.plan, node)) {
        for (const plan::CommandRule &rule : a_.plan.commands) {
          if (!glob(a_.plan.text(rule.pattern), command)) continue;
          const std::string missing = uncovered(action, rule);
          if (missing.empty()) continue;
          if (!a_.first(Kind::rule_command, node)) continue;
          auto out = a_.report(Kind::rule_command, a_.range(node),
                               "`" + std::string(a_.plan.text(action.name)) + "` runs a command that " + missing +
                                   ", but does not say so");
          out.label(a_.range(rule.where), "`" + std::string(a_.plan.text(rule.pattern)) + "` implies it");
          out.label(a_.range(action.where), "declared here");
          out.help("declare the effect, so that it is proved like any other");
        }
      }
    }
  }

  void question(plan::NodeId body, std::string_view kind, std::string_view name, const plan::Span &where) {
    std::vector<plan::NodeId> found;
    find(body, found);
    for (const plan::NodeId node : found) {
      for (const std::string &command : commands(a_.plan, node)) {
        for (const plan::CommandRule &rule : a_.plan.commands) {
          if (!glob(a_.plan.text(rule.pattern), command) || !a_.first(Kind::rule_command, node)) continue;
          auto out = a_.report(Kind::rule_command, a_.range(node),
                               std::string(kind) + " `" + std::string(name) +
                                   "` runs a command that changes something; a question may only read");
          out.label(a_.range(rule.where), "`" + std::string(a_.plan.text(rule.pattern)) + "` implies effects");
          if (where.valid()) out.label(a_.range(where), "declared here");
          out.help("do it in an action");
        }
      }
    }
  }

 private:
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
the proof would not know of them; a probe or gate must not run one at all.)",

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

}  // namespace upg::safety
