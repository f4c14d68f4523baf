// What the journal says, before anything is believed: it is a file, and a file may be anything.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
namespace {

constexpr std::size_t kStepText = 400;

/// Hosts that exist, results with all their members.
bool fits_plan(const Value &v, std::size_t hosts) {
  if (v.is(Value::Kind::host)) return v.number >= 0 && static_cast<std::uint64_t>(v.number) < hosts;
  if (v.is(Value::Kind::list))
    return v.items &&
           std::all_of(v.items->begin(), v.items->end(), [&](const Value &x) { return fits_plan(x, hosts); });
  if (v.is(Value::Kind::object) || v.is(Value::Kind::result)) {
    if (!v.members) return false;
    if (v.is(Value::Kind::result))
      for (const char *name : {"code", "stderr", "stdout"})
        if (!v.member(name)) return false;
    return std::all_of(v.members->begin(), v.members->end(), [&](const auto &m) { return fits_plan(m.second, hosts); });
  }
  return !v.is(Value::Kind::pending);
}

/// With the secrets that were taken out when it was written.
Value restored(Value v, const Redaction &redaction) {
  v.text = redaction.restore(v.text);
  if (v.items) {
    Value::Items items;
    for (const Value &x : *v.items) items.push_back(restored(x, redaction));
    v.items = std::make_shared<const Value::Items>(std::move(items));
  }
  if (v.members) {
    Value::Members members;
    for (const auto &[k, x] : *v.members) members.emplace_back(redaction.restore(k), restored(x, redaction));
    v.members = Value::object(std::move(members)).members;
  }
  return v;
}

}  // namespace

Value Machine::Run::recall(const StepPast &step, Kind kind) const {
  Value v = from_journal(step.value);
  if (!discreet.redaction.empty()) v = restored(v, discreet.redaction);
  if (v.open() || (kind != Kind::pending && !v.is(kind)) || !fits_plan(v, plan.hosts.size()))
    return Value::unknown("the journal keeps no value of the right kind for this place");
  return v;
}

HostId Machine::Run::host_named(std::string_view name) const {
  const auto found = host_ids.find(name);
  return found == host_ids.end() ? HostId() : found->second;
}

void Machine::Run::reopen_outages() {
  for (const auto &[host, role] : past.outages()) {
    const HostId h = host_named(host);
    if (!h.valid()) continue;
    for (RoleId r : plan.hosts[h.index].roles)
      if (plan.text(plan.roles[r.index].name) == role) world.open(h, r, true);
  }
}

std::string Machine::Run::journal_problem() const {
  auto known = [&](const std::string &name) { return name == "controller" || host_named(name).valid(); };
  for (const auto &[host, id] : past.identities())
    if (!known(host)) return fmt::format("it names a host `{}` that the plan does not have", host.substr(0, 80));
  for (const auto &[key, step] : past.steps()) {
    const std::string place = key.substr(0, 80);
    for (const StepPast::Command &c : step.commands) {
      if (!known(c.host))
        return fmt::format("at {} it names a host `{}` that the plan does not have", place, c.host.substr(0, 80));
      if (c.step.empty() || c.step.size() > kStepText || c.step.find_first_not_of("0123456789.-") != std::string::npos)
        return fmt::format("at {} it names a command that no plan has", place);
    }
    if (step.attempt < 0) return fmt::format("at {} it counts attempts wrongly", place);
    if (!step.value.empty()) {
      Value v = from_journal(step.value);
      if (!fits_plan(v, plan.hosts.size())) return fmt::format("the value at {} does not fit the plan", place);
    }
  }
  for (const auto &[name, cell] : past.cells()) {
    Value arguments = from_journal(cell.arguments);
    if (!arguments.is(Kind::list) || !fits_plan(arguments, plan.hosts.size()))
      return fmt::format("it names a cell {} that the plan does not have", name.substr(0, 80));
  }
  return {};
}

void Machine::Run::recall_cells() {
  for (const auto &[name, cell] : past.cells())
    if (Value arguments = from_journal(cell.arguments); arguments.is(Kind::list))
      seen_cells[fmt::format("{}({})", cell.state, name_arguments(*arguments.items))] = cell.value;
}

}  // namespace upg::machine
