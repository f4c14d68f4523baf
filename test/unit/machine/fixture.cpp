#include "test/unit/machine/fixture.h"

#include <fmt/format.h>

namespace upg::machine_test {

Hosts::Hosts(const plan::Plan &plan) : plan_(&plan) {
  on("cat /proc/sys/kernel/random/boot_id", [this](const std::string &name, const machine::Command &, Millis now) {
    Reply r;
    for (std::size_t h = 0; h < plan_->hosts.size(); ++h)
      if (plan_->text(plan_->hosts[h].name) == name)
        r.out = fmt::format("boot-of-{}-{}\n", name, simulated->boot(plan::HostId(h), now));
    return r;
  });
  on("cat /etc/machine-id", [](const std::string &name, const machine::Command &, Millis) {
    Reply r;
    r.out = "machine-" + name + "\n";
    return r;
  });
  on("systemctl reboot", [](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.takes = 50;
    r.reboot_after = 1'000;
    return r;
  });
  says("systemctl is-system-running", "running\n");
  says("true", "");
  on("printf %s\\n ", [](const std::string &, const machine::Command &c, Millis) {
    Reply r;
    r.out = c.argv.back() + "\n";
    return r;
  });
  says("command -v", "/usr/bin/it\n");
  says("curl", "hello\n");
  // set NAME VALUE, get NAME: a file of the host
  on("set ", [this](const std::string &name, const machine::Command &c, Millis) {
    files[name + ":" + c.argv[1]] = c.argv[2];
    Reply r;
    r.takes = 2'000;
    return r;
  });
  on("get ", [this](const std::string &name, const machine::Command &c, Millis) {
    Reply r;
    auto it = files.find(name + ":" + c.argv[1]);
    r.out = it == files.end() ? "none" : it->second;
    return r;
  });
}

Reply Hosts::answer(plan::HostId host, const machine::Command &command, Millis now) {
  const std::string name = host.valid() ? std::string(plan_->text(plan_->hosts[host.index].name)) : "controller";
  const std::string text = text_of(command);
  const Handler *best = nullptr;
  std::size_t length = 0;
  for (const std::string &whole : {name + ": " + text, text})
    for (const auto &[prefix, handler] : handlers_)
      if (whole.starts_with(prefix) && (!best || prefix.size() > length)) best = &handler, length = prefix.size();
  if (best) return (*best)(name, command, now);
  Reply r;
  r.code = 127;
  r.err = "not found: " + text;
  return r;
}

std::optional<std::string> MemoryJournal::append(Record record) {
  if (++death->writes == death->at_write) death->dead = true;
  if (death->dead) return "dead";
  if (++appends == fail_at || (fail_at > 0 && !fail_once && appends > fail_at)) return "no space left on device";
  pending.push_back(std::move(record));
  if (machine::info(pending.back().event).durable) {
    for (Record &r : pending) records.push_back(std::move(r));
    pending.clear();
  }
  if (++death->records == death->at_record) death->dead = true;
  return std::nullopt;
}

void Tap::start(machine::RequestId request, plan::HostId host, machine::Command command) {
  if (++death_->starts == death_->at_start) death_->dead = true;
  if (!lives()) return;
  if (host.valid() && key_of) {
    shown[host] = key_of(host);
    auto trust = trusts.find(host);
    if (shown[host] != (trust == trusts.end() ? "SHA256:first" : trust->second.trusted)) {
      machine::Answer answer;
      answer.request = request;
      answer.outcome = machine::Outcome::refused;
      answer.detail = "another host key: " + shown[host];
      refusals.push_back(std::move(answer));
      return;
    }
  }
  inner_->start(request, host, std::move(command));
}

void Tap::wait(std::optional<Millis> until, std::vector<machine::Answer> &answers,
               std::vector<machine::Output> &outputs) {
  if (++death_->ticks == death_->at_tick) death_->dead = true;
  if (!lives()) return;
  if (!refusals.empty()) {
    for (machine::Answer &a : std::exchange(refusals, {})) answers.push_back(std::move(a));
    return;
  }
  inner_->wait(until, answers, outputs);
  death_->answers += static_cast<int>(answers.size());
  if (death_->at_answer > 0 && death_->answers >= death_->at_answer) {
    death_->dead = true;
    answers.clear();
    outputs.clear();
  }
}

Lab::Lab(const std::string &text, bool proved) {
  compiler::CompileOptions options;
  options.path = "-";
  options.text = text;
  options.stdlib = {UPG_TEST_STDLIB};
  options.compiler_version = "test";
  compiled = std::make_unique<compiler::Compiled>(compiler::compile(options));
  auto messages = [&] {
    std::string all;
    for (const auto &d : compiled->sink.all()) all += diagnostics::render_text(d, compiled->sources);
    return all;
  };
  if (!compiled->plan) throw std::runtime_error(messages());
  proof = safety::check(*compiled->plan, 20'777, compiled->sink);
  if (proved && compiled->sink.errors() > 0) throw std::runtime_error(messages());
  hosts = std::make_unique<Hosts>(*compiled->plan);
  simulated = std::make_unique<transport::SimulatedHosts>(*hosts);
  hosts->simulated = simulated.get();
  journal.death = &death;
}

void Lab::begin(machine::Options options) {
  if (options.run_id.empty()) options.run_id = "run1";
  options.who = "tester";
  options.past = journal.records;
  options.owner_is_dead = owner_is_dead;
  transport_ = std::make_unique<transport::SimulatedTransport>(*simulated, clock, seed, faults);
  tap_ = std::make_unique<Tap>(*transport_, death);
  tap_->key_of = [this](plan::HostId host) {
    const auto it = host_keys.find(std::string(plan().text(plan().hosts[host.index].name)));
    if (it == host_keys.end()) return std::string("SHA256:first");
    return simulated->boot(host, clock.monotonic()) >= it->second.first ? it->second.second
                                                                        : std::string("SHA256:first");
  };
  tap_->connection_of = [this](plan::HostId host) {
    const auto it = connections.find(std::string(plan().text(plan().hosts[host.index].name)));
    return it == connections.end() ? std::uint64_t{0} : it->second;
  };
  died = false;
  machine =
      std::make_unique<machine::Machine>(plan(), proof, *tap_, clock, journal, observer, people, std::move(options));
}

bool Lab::turn() {
  bool more = machine->turn(1'000);
  if (people.reply && !people.waiting.empty()) {
    for (std::uint64_t id : std::exchange(people.waiting, {})) machine->person_answered(id, *people.reply, "operator");
    more = true;
  }
  return more;
}

bool Lab::until(const std::function<bool()> &when) {
  for (int turns = 0; turns < 200'000 && !death.dead; ++turns) {
    if (when()) return true;
    if (!turn()) return when();
  }
  return false;
}

machine::Ending Lab::finish() {
  bool over = false;
  for (int turns = 0; turns < 200'000 && !over && !death.dead; ++turns) over = !turn();
  died = death.dead;
  EXPECT_TRUE(over || died) << "the run does not end";
  machine::Ending ending = machine->ending();
  machine.reset();
  people.waiting.clear();
  if (died)
    journal.pending.clear();
  else
    for (Record &r : std::exchange(journal.pending, {})) journal.records.push_back(std::move(r));
  death = Death();
  journal.appends = 0;
  journal.fail_at = -1;
  return ending;
}

machine::Ending Lab::run(machine::Options options) {
  begin(std::move(options));
  return finish();
}

plan::HostId Lab::host(const std::string &name) const {
  for (std::size_t h = 0; h < plan().hosts.size(); ++h)
    if (plan().text(plan().hosts[h].name) == name) return plan::HostId(h);
  return {};
}

std::vector<std::string> Lab::done() const {
  std::vector<std::string> all;
  for (const auto &s : simulated->started())
    if (!s.command.step_key.empty())
      all.push_back(
          (s.host.valid() ? std::string(plan().text(plan().hosts[s.host.index].name)) : std::string("controller")) +
          ": " + text_of(s.command));
  return all;
}

int Lab::times(const std::string &command) const {
  int n = 0;
  for (const std::string &d : done()) n += d.find(command) != std::string::npos;
  return n;
}

int Lab::asked(const std::string &command) const {
  int n = 0;
  for (const auto &s : simulated->started())
    n += s.command.step_key.empty() && text_of(s.command).find(command) != std::string::npos;
  return n;
}

std::vector<Record> Lab::events(Event event) const {
  std::vector<Record> all;
  for (const Record &r : journal.records)
    if (r.event == event) all.push_back(r);
  return all;
}

std::string Lab::journal_text() const {
  std::string all;
  for (const Record &r : journal.records)
    all += fmt::format("{} {} {} {} {}\n", r.number, r.unix_ms, machine::info(r.event).name, r.key, r.data);
  return all;
}

std::string web(const std::string &text) {
  return R"(use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3" { roles server } }
/// A web server behind a balancer.
role server { available >= 2  serial  health answering  stoppable peers_answer }
gate answering(h: host)    { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 5m }
gate peers_answer(h: host) { pass when every p in server except h: answers(p)  watches server }
)" + text;
}

}  // namespace upg::machine_test
