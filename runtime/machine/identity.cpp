// Who a host is: another machine at a known address stops the run, at a resume, after a boot and after each reconnect.
// Over a reinstallation (SEMANTICS section 7, `reinstalls`) its old host key counts no more, the new one only when the
// plan declares it or a person vouches for it.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

namespace {
constexpr std::string_view kDeclared = "host_key_after_reinstall";  // attribute of a host
constexpr int kRounds = 20;                                         // of commands that one question may need
}  // namespace

// ---- another machine

/// Not by way of `consult`: these are the questions that others wait for.
Task<Value> Machine::Run::ask_identity(HostId host, std::string key) {
  const plan::Probe &probe = plan.probes[plan.roles[boot_role().index].identity.index];
  Environment environment;
  environment.slots.resize(std::max<std::size_t>(1, probe.frame.slots.size()));
  environment.slots[0] = Value::host(host);
  Consultation consultation(around, std::move(environment));
  for (int round = 0; round < kRounds; ++round) {
    Value v = consultation.evaluate(probe.body);
    if (!v.is(Kind::pending)) co_return v;
    std::vector<Wanted> wanted = consultation.take_wanted();
    if (wanted.empty()) break;
    std::vector<std::string> memos;
    for (const Wanted &w : wanted) memos.push_back(w.memo);
    std::vector<Answer> answers = co_await request_unproven(std::move(wanted), key);
    for (std::size_t i = 0; i < memos.size(); ++i) consultation.answer(memos[i], std::move(answers[i]));
  }
  co_return Value::unknown("who it is takes too many commands");
}

bool Machine::Run::recognized(HostId host) const {
  if (!host.valid() || reinstalled_hosts.count(host.index)) return true;
  const auto known = machine_ids.find(host.index);
  return known == machine_ids.end() || known->second.connection == transport.connection(host);
}

Task<bool> Machine::Run::recognize(HostId host, std::string key) {
  while (being_asked.count(host.index)) co_await somebody_said;
  if (strangers.count(host.index)) co_return false;
  if (recognized(host)) co_return true;
  being_asked.insert(host.index);
  Value id = co_await ask_identity(host, key);
  const std::uint64_t connection = transport.connection(host);  // which the question may have made
  being_asked.erase(host.index);
  somebody_said.fire();
  const auto known = machine_ids.find(host.index);
  if (known == machine_ids.end()) co_return true;  // a step that reinstalls it has begun meanwhile
  if (id.open() || id.text.empty()) co_return false;
  if (known->second.id != id.text) {
    strangers.insert(host.index);
    co_return is_stranger(host, known->second.id, id.text, plan.hosts[host.index].where);
  }
  known->second.connection = connection;
  co_return true;
}

/// No attempt of the plan catches this: nothing that is asked there says anything about the host of the plan.
bool Machine::Run::is_stranger(HostId host, const std::string &before, const std::string &now_there, plan::Span where) {
  return halt(
      true, fmt::format("{} is another machine now: machine id {} before, {} now", host_name(host), before, now_there),
      "", where, "an address was reused or the host was replaced: nothing more is asked or done there");
}

// ---- a reinstalled one

std::string Machine::Run::vouched_key(HostId host) const {
  const auto given = options.host_keys.find(host_name(host));
  if (given != options.host_keys.end()) return given->second;
  for (const plan::Attribute &a : plan.hosts[host.index].attributes)
    if (plan.text(a.key) == kDeclared && plan.node(a.value).op == Op::text)
      return std::string(plan.text(plan::StringId(plan.node(a.value).a)));
  return {};
}

Task<bool> Machine::Run::reinstalled_by(ActCall call, Environment environment, std::string key,
                                        std::vector<HostId> *out) {
  for (NodeId e : plan.actions[call.action.index].effects) {
    if (plan.node(e).op != Op::reinstalls || simulation()) continue;
    Value v = co_await consult(plan.kid(e, 0), environment, key);
    if (v.is(Kind::host)) v = Value::list({v});
    if (!v.is(Kind::list)) co_return halt(true, "whom it reinstalls is unknown: " + show(v), key, plan.span(e));
    for (const Value &h : *v.items)
      if (h.is(Kind::host)) out->push_back(h.as_host());
  }
  co_return true;
}

bool Machine::Run::forget_identity(HostId host, bool resumed) {
  if (reinstalled_hosts.count(host.index)) return true;  // a second attempt, or a resume
  const auto before = past.renewals().find(host_name(host));
  if (resumed && before != past.renewals().end()) return true;  // the step had met it again when it was interrupted
  const std::string old = transport.shown_key(host);
  reinstalled_hosts[host.index] = {old, {}};
  machine_ids.erase(host.index);
  return write(Event::identity_forgotten, "", make_data({{"host", host_name(host)}, {"host_key", old}}));
}

void Machine::Run::refuse_old_key(HostId host) {
  const auto it = reinstalled_hosts.find(host.index);
  if (it == reinstalled_hosts.end()) return;
  transport.trust(host, {it->second.trusted, it->second.old});
  transport.disconnect(host);
}

Task<bool> Machine::Run::meet_again(HostId host, std::string key, plan::Span where) {
  const auto it = reinstalled_hosts.find(host.index);
  if (it == reinstalled_hosts.end()) co_return true;
  const std::string shown = transport.shown_key(host);
  if (shown.empty() || shown == it->second.old || shown == it->second.trusted) co_return true;
  const std::string name = host_name(host);
  const std::string vouched = vouched_key(host);
  std::string who = "the plan";
  if (options.host_keys.count(name)) who = options.who;
  if (vouched != shown) {
    if (!vouched.empty())
      co_return halt(true,
                     fmt::format("{} was reinstalled and shows the host key {}; declared is {}", name, shown, vouched),
                     key, where, "something else may answer at its address: look at its console before anything else");
    std::string answer =
        co_await person(fmt::format("{} was reinstalled and shows the host key {}: is that what `ssh-keygen -lf "
                                    "/etc/ssh/ssh_host_*_key.pub` prints on its console?",
                                    name, shown),
                        true, key, &who);
    if (answer != "yes")
      co_return halt(
          true, fmt::format("{} was reinstalled, and nobody vouches for its new host key {}", name, shown), key, where,
          fmt::format("compare the fingerprint on its console, then resume with --host-key {}={}", name, shown));
  }
  const auto still = reinstalled_hosts.find(host.index);  // a person took their time
  if (still == reinstalled_hosts.end()) co_return true;
  still->second.trusted = shown;
  if (!write(Event::host_key_trusted, "", make_data({{"host", name}, {"host_key", shown}, {"who", who}})))
    co_return false;
  transport.trust(host, {shown, still->second.old});
  transport.disconnect(host);
  co_return true;
}

Task<bool> Machine::Run::same_machine(HostId host, std::string boot, std::string key, plan::Span where) {
  const RoleId role = boot_role();
  if (simulation() || !role.valid() || !plan.roles[role.index].identity.valid()) co_return true;
  const std::string name = host_name(host);
  const bool anew = reinstalled_hosts.count(host.index) != 0;
  const auto known = machine_ids.find(host.index);
  if (!anew && known == machine_ids.end()) co_return true;
  const std::uint64_t connection = transport.connection(host);
  if (!anew && connection != 0 && known->second.connection == connection) co_return true;
  Value id = co_await ask_identity(host, key);
  if (id.open() || id.text.empty()) {
    if (!anew) co_return true;  // its health tells what is wrong; nothing says that it is another one
    co_return halt(true, fmt::format("{} was reinstalled and does not say who it is: {}", name, show(id)), key, where,
                   "bring it up, then resume");
  }
  if (!anew && machine_ids[host.index].id != id.text) {
    strangers.insert(host.index);
    co_return is_stranger(host, machine_ids[host.index].id, id.text, where);
  }
  for (const auto &[other, seen] : machine_ids)
    if (other != host.index && seen.id == id.text)
      co_return halt(true,
                     fmt::format("{} and {} are one machine (machine id {})", name, host_name(HostId(other)), id.text),
                     "", where, "two names for one machine would be taken down together");
  machine_ids[host.index] = {id.text, connection};
  if (!anew) co_return true;
  reinstalled_hosts.erase(host.index);
  co_return write(Event::identity_seen, "",
                  make_data({{"host", name}, {"machine_id", id.text}, {"boot_id", std::move(boot)}}));
}

Task<bool> Machine::Run::met_again(HostId host, std::string key, plan::Span where, Millis deadline) {
  Doing doing_this(this,
                   Activity{key, host, "await " + host_name(host) + " after its reinstallation", "", 0, deadline});
  while (reinstalled_hosts.count(host.index)) {
    Value boot = co_await boot_id(host, key);
    if (boot.open()) {
      const bool known = co_await meet_again(host, key, where);
      if (!known) co_return false;
    } else {
      const bool same = co_await same_machine(host, boot.text, key, where);
      if (!same) co_return false;
      break;
    }
    doing_this.activity().detail = show(boot);
    if (now() > deadline)
      co_return halt(true,
                     fmt::format("{} is not back from its reinstallation in time: {}", host_name(host), show(boot)),
                     key, where, "look at its console; resume when it is up");
    for (Millis end = now() + 1000; now() < end && !leaving();) co_await sleep_until(end);
    if (leaving()) co_return false;
  }
  co_return true;
}

void Machine::Run::recall_identities() {
  const RoleId role = boot_role();
  if (role.valid() && plan.roles[role.index].identity.valid())
    for (const auto &[name, id] : past.identities())
      if (const HostId host = host_named(name); host.valid() && !id.empty()) machine_ids[host.index] = {id, 0};
  for (const auto &[name, renewal] : past.renewals()) {
    const HostId host = host_named(name);
    if (!host.valid()) continue;
    if (!renewal.met) reinstalled_hosts[host.index] = {renewal.old, renewal.trusted};
    if (!renewal.trusted.empty()) transport.trust(host, {renewal.trusted, renewal.old});
  }
}

}  // namespace upg::machine
