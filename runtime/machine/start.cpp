// Before anything: who the hosts are, whether the plan knows every member, and the order of the parts.
#include <fmt/format.h>

#include "runtime/machine/run.h"
#include "runtime/machine/tools.h"

namespace upg::machine {

/// Every host must answer and say who it is; two names for one machine, or another machine at a known name, stop the
/// run.
Task<bool> Machine::Run::who_is_there() {
  RoleId role = boot_role();
  if (!role.valid()) co_return true;
  std::map<std::string, std::string> seen;
  plan::ProbeId identity = plan.roles[role.index].identity;
  std::vector<HostId> hosts;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h)
    if (!plan.hosts[h].out_reason.valid() && !world.lost(HostId(h))) hosts.push_back(HostId(h));
  struct Asked {
    std::string boot, machine;
    std::string problem;
    std::uint64_t connection = 0;
  };
  std::vector<Asked> asked(hosts.size());
  std::vector<Task<bool>> tasks;
  tasks.reserve(hosts.size());
  Bell bell(queue);
  std::size_t ended = 0;
  auto done = [&] { return ended == tasks.size(); };
  struct Ask {
    static Task<bool> one(Run &run, HostId host, plan::ProbeId who, std::string *boot, std::string *machine,
                          std::string *problem, std::uint64_t *connection, Bell *ring, std::size_t *count) {
      Doing doing_this(&run, Activity{"", host, "await an answer", "", 0, run.past.empty() ? 0 : run.now() + 120'000});
      Value b = co_await run.boot_id(host, "");
      for (int tries = 0; b.open() && !run.past.empty() && run.options.release.empty() && tries < 60 && !run.leaving();
           ++tries) {  // at resume a host may be on its way up
        for (Millis end = run.now() + 2000; run.now() < end && !run.leaving();) co_await run.sleep_until(end);
        bool met = co_await run.meet_again(host, "", run.plan.hosts[host.index].where);
        if (!met) break;
        b = co_await run.boot_id(host, "");
      }
      if (b.open()) *problem = show(b);
      *boot = b.text;
      if (!b.open() && who.valid()) {
        const plan::Probe &probe = run.plan.probes[who.index];
        Environment environment;
        environment.slots.resize(std::max<std::size_t>(1, probe.frame.slots.size()));
        environment.slots[0] = Value::host(host);
        Value m = co_await run.consult(probe.body, std::move(environment), "");
        if (m.open()) *problem = show(m);
        *machine = m.text;
        *connection = run.transport.connection(host);
      }
      ++*count;
      ring->fire();
      co_return true;
    }
  };
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    tasks.push_back(Ask::one(*this, hosts[i], identity, &asked[i].boot, &asked[i].machine, &asked[i].problem,
                             &asked[i].connection, &bell, &ended));
    tasks.back().start();
  }
  while (!done()) co_await bell;
  bool ok = true;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    std::string name = host_name(hosts[i]);
    const Asked &a = asked[i];
    if (!a.problem.empty()) {
      // at resume the step that took the host down waits for it; at a start it must be there
      if (!past.empty() || !options.release.empty()) {
        observer.said(fmt::format("{} does not answer yet: {}", name, a.problem));
        continue;
      }
      observer.said(fmt::format("{}: {}", name, a.problem));
      ok = halt(true, fmt::format("{} cannot be asked: {}", name, a.problem), "", plan.hosts[hosts[i].index].where,
                "every host of the plan must answer before it starts");
      continue;
    }
    if (!a.machine.empty()) {
      auto [it, fresh] = seen.emplace(a.machine, name);
      if (!fresh)
        ok = halt(true, fmt::format("{} and {} are one machine (machine id {})", it->second, name, a.machine), "",
                  plan.hosts[hosts[i].index].where, "two names for one machine would be taken down together");
      machine_ids[hosts[i].index] = {a.machine, a.connection};
      auto known = past.identities().find(name);
      if (known != past.identities().end() && known->second != a.machine)
        ok =
            halt(true,
                 fmt::format("{} is another machine now: machine id {} before, {} now", name, known->second, a.machine),
                 "", plan.hosts[hosts[i].index].where, "an address was reused or the host was replaced");
    }
    if (reinstalled_hosts.count(hosts[i].index)) continue;  // it says who it is when its step has ended
    if (!write(Event::identity_seen, "", make_data({{"host", name}, {"machine_id", a.machine}, {"boot_id", a.boot}})))
      co_return false;
  }
  co_return ok;
}

/// The members that the system itself knows must be the plan's hosts: a plan that misses one counts wrong.
Task<bool> Machine::Run::rosters() {
  for (const plan::Role &role : plan.roles) {
    if (!role.roster.valid() || plan.sets[role.hosts.index].hosts.empty()) continue;
    const plan::Probe &probe = plan.probes[role.roster.index];
    Environment environment;
    environment.slots.resize(probe.frame.slots.size());
    Value v = co_await consult(probe.body, std::move(environment), "");
    if (leaving()) co_return false;
    std::string name(plan.text(role.name));
    if (!v.is(Kind::list))
      co_return halt(true, fmt::format("the roster of {} is unknown: {}", name, show(v)), "", role.where);
    std::set<std::string> live, ours;
    for (const Value &x : *v.items) live.insert(name_value(x));
    for (HostId h : plan.sets[role.hosts.index].hosts) ours.insert(host_name(h));
    for (const std::string &l : live)
      if (!ours.count(l))
        co_return halt(true, fmt::format("the system knows {} as a {}, this plan does not", l, name), "", role.where,
                       "add the host to the cluster block, or remove it from the system first");
    for (const std::string &o : ours)
      if (!live.count(o))
        co_return halt(true, fmt::format("this plan counts {} as a {}, the system does not know it", o, name), "",
                       role.where);
  }
  co_return true;
}

/// Every program that an action starts is there, for the user who will start it.
Task<bool> Machine::Run::tools() {
  std::vector<Wanted> wanted;
  std::vector<std::string> names;
  for (const auto &[host, program] : needed_tools(plan)) {
    Wanted w;
    w.host = HostId(host);
    w.command.script = "command -v " + shell_quote(program);
    w.command.timeout = around.question_timeout;
    w.command.user = become_user(plan, w.host);
    wanted.push_back(std::move(w));
    names.push_back(fmt::format("{} on {}", program, host_name(HostId(host))));
  }
  if (wanted.empty()) co_return true;
  std::vector<Answer> answers = co_await request_all(std::move(wanted), "");
  std::string absent;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (answers[i].outcome == Outcome::exited && answers[i].code == 0) continue;
    bool there = answers[i].outcome != Outcome::exited;
    observer.said(fmt::format("tool {}: {}", names[i], there ? answers[i].detail : "not found"));
    absent += (absent.empty() ? "" : ", ") + names[i];
  }
  if (!absent.empty())
    co_return halt(true, "programs that the plan starts are not there: " + absent, "preflight", plan.where,
                   "install them, or mend the plan");
  observer.said(fmt::format("tools: all {} programs of the plan's actions are there", names.size()));
  co_return true;
}

Task<bool> Machine::Run::claims(const std::vector<plan::CellClaim> &all, std::string key) {
  for (const plan::CellClaim &claim : all) {
    const plan::State &state = plan.states[claim.state.index];
    std::vector<HostId> hosts(1);
    if (claim.hosts.valid()) hosts = plan.sets[claim.hosts.index].hosts;
    for (HostId h : hosts) {
      if (h.valid() && (plan.hosts[h.index].out_reason.valid() || world.lost(h))) continue;
      Environment environment;
      environment.slots.resize(std::max<std::size_t>(1, state.frame.slots.size()));
      if (h.valid()) environment.slots[0] = Value::host(h);
      Value v = co_await consult(state.observe, std::move(environment), key);
      if (leaving()) co_return false;
      std::string wanted(plan.text(state.values[claim.value].name));
      Value::Items arguments;
      if (h.valid()) arguments.push_back(Value::host(h));
      if (v.open() || show(v) != wanted)
        co_return halt(true,
                       fmt::format("{}{} should be {}, it is {}", plan.text(state.name),
                                   h.valid() ? "(" + host_name(h) + ")" : std::string(), wanted, show(v)),
                       key, claim.where,
                       key == "initially" ? "the plan starts from another state than it was written for" : "");
      if (!saw_cell(state, Value::list(std::move(arguments)), wanted)) co_return false;
    }
  }
  co_return true;
}

Task<bool> Machine::Run::main() {
  bool ok = true;
  if (std::string problem = journal_problem(); !problem.empty())
    ok = halt(true, "the journal cannot be this plan's: " + problem, "", plan.where,
              "nothing was done; find out who wrote into the run's folder");
  if (ok) recall_cells();
  if (ok) recall_identities();
  if (ok && options.mode == Mode::holds) {
    ok = co_await see_holds();
    ending.status = ok ? Status::done : Status::stopped;
    co_return ok;
  }
  if (ok) ok = co_await who_is_there();
  if (ok) ok = co_await take_locks();
  if (!options.release.empty()) {
    if (ok) ok = co_await release_named();
    co_await end_run();
    co_return ok;
  }
  if (ok) ok = co_await rosters();
  const bool back = options.mode == Mode::run && (options.abort || past.aborting());
  if (ok && acted && options.mode == Mode::run && !back) ok = co_await compare_with_journal();
  if (ok && options.mode == Mode::preflight) ok = co_await tools();
  bool first = !acted;
  if (ok && back) ok = co_await abort_run();
  if (ok && first && !back) ok = co_await claims(plan.initially, "initially");
  auto environment = std::make_shared<Environment>();
  environment->slots.resize(plan.frame.slots.size());
  if (ok && !back && plan.preflight.valid()) {
    Place place{"preflight", environment, 0, !first};  // at a resume it is over; acts ask again what they rely on
    ok = co_await block(plan.preflight, place);
  }
  if (ok && !back && options.mode != Mode::preflight) {
    Place place{"body", environment, 0};
    ok = co_await block(plan.body, place);
    if (ok && plan.postflight.valid() && !dry()) {
      Place after{"postflight", environment, 0};
      ok = co_await block(plan.postflight, after);
    }
    if (ok && simulation()) {
      Move move;
      move.kind = Move::Kind::finish;
      co_await turn_of(move);
      moved(move);
    }
    if (ok) asks(Protection::claims);
    if (ok && !dry() && !unguarded()) ok = co_await claims(plan.finally, "finally");
  }
  if (ok && !preflight_failures.empty()) {
    std::string names;
    for (const std::string &n : preflight_failures) names += (names.empty() ? "" : ", ") + n;
    ok = halt(true, "preflight gates do not pass now: " + names, "preflight", plan.where, "nothing was changed");
  }
  if (!ok && window_over) halt(false, window_over->reason, window_over->key, window_over->where, window_over->advice);
  if (!ok && ending.status != Status::running && !fenced) co_await give_back_holds();
  if (ok && ending.status == Status::running) {
    ending.status = Status::done;
    ending.reason = lost_hosts_text();
  }
  co_await end_run();
  co_return ok;
}

/// Says how it ended; the locks are given up before, or kept by the run.
Task<bool> Machine::Run::end_run() {
  if (ending.status == Status::running) {
    ending.status = acted ? Status::stopped : Status::refused;
    ending.reason = stop ? "stopped on request" : "left";
    ending.advice = acted ? "resume goes on from here" : "nothing was changed";
  }
  const bool over =
      ending.status == Status::done || ending.status == Status::aborted || ending.status == Status::refused;
  co_await leave_locks(over);
  static constexpr const char *kWords[] = {"running", "done", "refused", "stopped", "halted", "aborted"};
  write(Event::run_ended, "",
        make_data({{"status", kWords[static_cast<int>(ending.status)]}, {"reason", ending.reason}}));
  co_return true;
}

}  // namespace upg::machine
