#include "runtime/report/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/machine/past.h"
#include "runtime/machine/told_commands.h"
#include "runtime/machine/value.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using machine::Event;
using machine::field_of;
using machine::Record;

struct Deed {
  std::string key, action, values, host, outcome, detail;
  std::int64_t began_ms = 0, ended_ms = 0;
};

struct HeldThing {
  std::string hold, arguments, values, was;
  std::int64_t since_ms = 0;
};

struct Left {
  std::vector<Deed> steps;                                           // by first start
  std::map<std::string, HeldThing> held;                             // by key
  std::set<std::pair<std::string, std::string>> out;                 // host, role
  std::map<std::pair<std::string, std::string>, std::string> cells;  // state, arguments -> value; empty: on its way
  std::vector<std::string> turns_done, turns_open;                   // hosts
  std::set<std::string> lost;
  bool past_return = false, aborting = false;
};

bool part_of_hold(std::string_view key) {
  return key.ends_with("/acquire") || key.ends_with("/release") || key.ends_with("/give_back");
}

Left what_is_left(const std::vector<Record> &records) {
  Left f;
  std::map<std::string, std::size_t> at;
  for (const Record &r : records) {
    auto field = [&](const char *name) { return field_of(r, name); };
    switch (r.event) {
      case Event::act_intended: {
        auto [it, fresh] = at.emplace(r.key, f.steps.size());
        if (fresh) f.steps.emplace_back();
        Deed &s = f.steps[it->second];
        s = {r.key, field("action"), field("values"), field("host"), "", "", r.unix_ms, 0};
        break;
      }
      case Event::act_ended:
        if (auto it = at.find(r.key); it != at.end()) {
          f.steps[it->second].outcome = field("outcome");
          f.steps[it->second].detail = field("detail");
          f.steps[it->second].ended_ms = r.unix_ms;
        }
        break;
      case Event::hold_intended:
        f.held[r.key] = {field("hold"), field("arguments"), field("values"), field("was"), r.unix_ms};
        break;
      case Event::hold_released:
        f.held.erase(r.key);
        break;
      case Event::outage_opened:
        f.out.emplace(field("host"), field("role"));
        break;
      case Event::outage_closed:
        f.out.erase({field("host"), field("role")});
        break;
      case Event::cell_seen:
        f.cells[{field("state"), field("arguments")}] = field("value");
        break;
      case Event::iteration_started:
        std::erase(f.turns_open, field("host"));
        f.turns_open.push_back(field("host"));
        break;
      case Event::iteration_ended:
        std::erase(f.turns_open, field("host"));
        f.turns_done.push_back(field("host"));
        break;
      case Event::host_lost:
        std::erase(f.turns_open, field("host"));
        f.lost.insert(field("host"));
        break;
      case Event::statement_done:
        f.past_return = f.past_return || !field("text").empty();
        break;
      case Event::abort_started:
        f.aborting = true;
        break;
      default:
        break;
    }
  }
  return f;
}

plan::ActionId action_named(const plan::Plan &plan, const std::string &text) {
  const std::string name = text.substr(0, text.find('('));
  for (std::size_t i = 0; i < plan.actions.size(); ++i)
    if (plan.text(plan.actions[i].name) == name) return plan::ActionId(i);
  return {};
}

void put_commands(std::string &out, const plan::Plan &plan, plan::ActionId action, const std::string &values,
                  const std::string &was) {
  for (const std::string &need : machine::told_needs(plan, action)) out += fmt::format("      only when   {}\n", need);
  for (const auto &c : machine::told_commands(plan, action, values, was))
    out += c.exact ? fmt::format("      on {}:   {}\n", c.where, c.text)
                   : fmt::format("      {}as the plan says it, with what the hosts answer:   {}\n",
                                 c.where.empty() ? "" : "on " + c.where + ", ", c.text);
  const plan::Action &a = plan.actions[action.index];
  if (a.operator_text.valid()) out += fmt::format("      a person:   {}\n", plan.text(a.operator_text));
}

std::string arguments_text(const plan::Plan &plan, const std::string &journalled) {
  const machine::Value values = machine::from_journal(journalled);
  std::string out;
  if (!values.is(machine::Value::Kind::list)) return "?";
  for (const machine::Value &v : *values.items) {
    const bool host = v.is(machine::Value::Kind::host) && v.as_host().valid() && v.as_host().index < plan.hosts.size();
    out += (out.empty() ? "" : ", ") +
           (host ? std::string(plan.text(plan.hosts[v.as_host().index].name)) : machine::show(v));
  }
  return out;
}

std::string joined(const std::vector<std::string> &all) {
  std::string out;
  for (const std::string &s : all) out += (out.empty() ? "" : ", ") + s;
  return out;
}

}  // namespace

std::string manual(const plan::Plan &plan, const std::string &run, const std::vector<Record> &records) {
  const RunSummary summary = summarize(records);
  const Left f = what_is_left(records);
  std::string out =
      fmt::format("HOW TO GO ON BY HAND: run {} of {} of {}\nstatus   {}{}\n", run, plan.text(plan.name),
                  plan.text(plan.cluster), summary.status, summary.reason.empty() ? "" : ": " + summary.reason);
  if (summary.status == "interrupted")
    out +=
        "         its controller is gone or still drives it: `upgrun status` tells; what was handed to hosts runs on\n";

  out += "\n1. open\n";
  bool any = false;
  for (const Deed &s : f.steps) {
    if (s.outcome == "done") continue;
    any = true;
    out += fmt::format("  step {} {}{}, begun {}\n", s.action,
                       s.outcome.empty() ? "has no end in the journal: it may still run" : s.outcome,
                       s.detail.empty() ? "" : ": " + s.detail, clock_time(s.began_ms));
    const plan::ActionId action = action_named(plan, s.action);
    const HeldThing *held = nullptr;
    if (part_of_hold(s.key))
      if (auto it = f.held.find(s.key.substr(0, s.key.rfind('/'))); it != f.held.end()) held = &it->second;
    if (action.valid()) put_commands(out, plan, action, s.values, held ? held->was : std::string());
  }
  std::map<std::string, std::vector<std::string>> out_by_host;
  for (const auto &[host, role] : f.out) out_by_host[host].push_back(role);
  for (const auto &[host, roles] : out_by_host) {
    any = true;
    out += fmt::format("  host {} is taken out of service by the plan, and not proven back: {}\n", host, joined(roles));
    for (const plan::Role &role : plan.roles)
      if (role.health.valid() && std::find(roles.begin(), roles.end(), plan.text(role.name)) != roles.end())
        out += fmt::format("      {} is back when gate {} passes{}{}\n", plan.text(role.name),
                           plan.text(plan.gates[role.health.index].name),
                           plan.gates[role.health.index].doc.valid() ? ": " : "",
                           plan.text(plan.gates[role.health.index].doc));
  }
  for (const auto &[cell, value] : f.cells) {
    if (!value.empty()) continue;
    any = true;
    out += fmt::format("  state {}({}) was being moved, and has not been seen since\n", cell.first,
                       arguments_text(plan, cell.second));
  }
  for (const std::string &host : f.turns_open) {
    any = true;
    out += fmt::format("  turn of {} is begun, not complete\n", host);
  }
  if (!f.lost.empty()) {
    any = true;
    out += "  lost and left behind: " + joined({f.lost.begin(), f.lost.end()}) + "\n";
  }
  if (!any) out += "  nothing: no step is under way, no host is out of service by the plan\n";

  out += "\n2. held, innermost first; release it when nothing above needs it any more\n";
  std::vector<const HeldThing *> held;
  for (const auto &[key, h] : f.held) held.push_back(&h);
  std::stable_sort(held.begin(), held.end(),
                   [](const HeldThing *a, const HeldThing *b) { return a->since_ms > b->since_ms; });
  std::set<std::string> told;
  for (const HeldThing *h : held) {
    const std::string text = fmt::format("{}({})", h->hold, h->arguments);
    if (!told.insert(text).second) continue;
    out += fmt::format("  {} since {}\n", text, clock_time(h->since_ms));
    const machine::Value was = machine::from_journal(h->was);
    if (was.yes()) {
      out += "      it was on before the run: leave it on\n";
      continue;
    }
    for (const plan::Hold &hold : plan.holds) {
      if (plan.text(hold.name) != h->hold) continue;
      if (hold.doc.valid()) out += fmt::format("      why         {}\n", plan.text(hold.doc));
      put_commands(out, plan, hold.release, h->values, h->was);
    }
    out += fmt::format("      or by upgrun, journalled:   upgrun holds {} --release '{}'\n", run, text);
  }
  if (held.empty()) out += "  nothing\n";

  out += "\n3. done\n";
  std::size_t done = 0;
  for (const Deed &s : f.steps) done += s.outcome == "done";
  for (const Deed &s : f.steps)
    if (s.outcome == "done") out += fmt::format("  {} {}\n", clock_time(s.ended_ms), s.action);
  if (done == 0) out += "  nothing\n";
  if (!f.turns_done.empty()) out += "  turns complete: " + joined(f.turns_done) + "\n";

  out += fmt::format(
      "\n4. instead of going on by hand\n  upgrun resume {}      goes on; states, holds and health are asked "
      "again first, and what differs from the journal refuses\n",
      run);
  const bool has_return = std::any_of(plan.nodes.begin(), plan.nodes.end(),
                                      [](const plan::Node &n) { return n.op == plan::Op::no_return; });
  if (has_return && !f.past_return && f.lost.empty())
    out += fmt::format("  upgrun abort {}       {}\n", run,
                       f.aborting ? "the way back has begun: goes on with it" : "goes back: every step is undone");
  else
    out += fmt::format("  there is no way back: {}\n", !has_return
                                                           ? "the plan has no point of no return, it only goes forward"
                                                       : f.past_return ? "the point of no return is passed"
                                                                       : "hosts are lost");
  return printable_lines(out);
}

}  // namespace upg::report
