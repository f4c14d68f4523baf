#include "runtime/machine/told_commands.h"

#include <fmt/format.h>

#include "runtime/machine/evaluate.h"

namespace upg::machine {
namespace {

using plan::NodeId;
using plan::Op;
using Kind = Value::Kind;

constexpr std::size_t kMost = 200;  // commands of one action
constexpr std::size_t kSource = 200;

/// A word as it is typed: quoted only where a shell would read something into it.
std::string word(const std::string &text) {
  static constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
  const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string::npos;
  return plain ? text : shell_quote(text);
}

class Teller {
 public:
  Teller(const plan::Plan &plan, const World &world) : plan_(plan) {
    for (const plan::Secret &s : plan.secrets) secrets_.push_back(fmt::format("<secret {}>", plan.text(s.name)));
    around_.plan = &plan;
    around_.world = &world;
    around_.secrets = &secrets_;
  }

  void tell(NodeId block, Environment environment, std::vector<ToldCommand> *out) const {
    for (NodeId k : plan_.kids(block)) {
      const plan::Node &n = plan_.node(k);
      if (out->size() >= kMost) return;
      if (n.op == Op::let) {
        Consultation asked(around_, environment);
        Value v = asked.evaluate(plan_.kid(k, 0));
        if (n.a < environment.slots.size())
          environment.slots[n.a] = v.is(Kind::pending) ? Value::unknown("only the hosts know") : std::move(v);
      } else if (n.op == Op::for_data) {
        Consultation asked(around_, environment);
        Value list = asked.evaluate(plan_.kid(k, 0));
        if (!list.is(Kind::list)) {
          out->push_back({"", source_text(plan_, plan_.span(k), kSource), false});
          continue;
        }
        for (const Value &item : *list.items) {
          environment.slots[n.a] = item;
          Consultation one(around_, environment);
          if (one.evaluate(plan_.kid(k, 1)).yes()) tell(plan_.kid(k, 2), environment, out);
        }
      } else if (n.op == Op::command) {
        out->push_back(command(plan_.kid(k, 0), environment));
      }
    }
  }

 private:
  ToldCommand command(NodeId node, const Environment &environment) const {
    Consultation asked(around_, environment);
    const Concrete c = asked.make(node);
    ToldCommand told;
    for (std::size_t i = 0; i < c.hosts.size(); ++i)
      told.where += (i ? ", " : "") + (c.hosts[i].valid() ? std::string(plan_.text(plan_.hosts[c.hosts[i].index].name))
                                                          : std::string("the controller"));
    if (c.hosts.size() > 1) told.where = (c.any ? "one of " : "each of ") + told.where;
    if (!c.problem.is(Kind::nothing)) {
      told.text = source_text(plan_, plan_.span(node), kSource);
      told.exact = false;
      return told;
    }
    const Command own = c.on(plan_, c.hosts.empty() ? plan::HostId() : c.hosts.front());
    if (!own.user.empty()) told.text += "sudo -u " + word(own.user) + " ";
    if (!own.environment.empty()) told.text += "env ";
    for (const auto &[name, value] : own.environment) told.text += name + "=" + word(value) + " ";
    if (!own.argv.empty())
      for (std::size_t i = 0; i < own.argv.size(); ++i) told.text += (i ? " " : "") + word(own.argv[i]);
    else
      told.text += "sh -c " + shell_quote(own.script);
    if (!own.input.empty()) told.text += "    # reads on its standard input: " + own.input.substr(0, kSource);
    return told;
  }

  const plan::Plan &plan_;
  Surroundings around_;
  std::vector<std::string> secrets_;
};

}  // namespace

std::vector<ToldCommand> told_commands(const plan::Plan &plan, plan::ActionId action, const std::string &arguments,
                                       const std::string &was) {
  const plan::Action &a = plan.actions[action.index];
  std::vector<ToldCommand> out;
  const Value values = from_journal(arguments);
  if (!a.body.valid() || !values.is(Kind::list) || values.items->size() != a.frame.parameters.size()) return out;
  for (const Value &v : *values.items)  // a journal may say anything
    if (v.is(Kind::host) && (!v.as_host().valid() || v.as_host().index >= plan.hosts.size())) return out;
  World world(plan);
  Environment environment;
  environment.slots = *values.items;
  environment.slots.resize(std::max(environment.slots.size(), a.frame.slots.size()));
  const Value before = was.empty() ? Value::unknown("nobody knows what was before") : from_journal(was);
  environment.was = &before;
  Teller(plan, world).tell(a.body, environment, &out);
  return out;
}

std::vector<std::string> told_needs(const plan::Plan &plan, plan::ActionId action) {
  std::vector<std::string> out;
  for (NodeId need : plan.actions[action.index].needs) out.push_back(source_text(plan, plan.span(need), kSource));
  return out;
}

}  // namespace upg::machine
