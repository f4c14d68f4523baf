// What the SSH transport costs, against real sshds of an ordinary user on this machine (client and servers share its
// processors).
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "test/unit/transport/sshd.h"

namespace {

using namespace upg;
using namespace upg::transport;
using namespace upg::transport::test;

double now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}
double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

machine::Command question() {
  machine::Command command;
  command.argv = {"true"};
  command.timeout = 60'000;
  return command;
}

void check(const machine::Answer &answer) {
  if (answer.outcome == machine::Outcome::exited && answer.code == 0) return;
  fmt::print(stderr, "ssh_bench: {}: {}\n", name_of(answer.outcome), answer.detail);
  std::exit(1);
}

/// Waits for `count` answers.
void await(SshTransport &transport, std::size_t count) {
  std::vector<machine::Answer> answers;
  std::vector<machine::Output> outputs;
  while (answers.size() < count) transport.wait(monotonic_now() + 1000, answers, outputs);
  for (const machine::Answer &answer : answers) check(answer);
}

void print_times(const std::string &what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&times](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  fmt::print("{:<58} median {:6.2f} ms, 95 % {:6.2f} ms\n", what, at(0.5), at(0.95));
}

void one_by_one(SshTransport &transport, plan::HostId host, const std::string &what, int count,
                const std::function<machine::Command(int)> &command) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const double before = now_ms();
    transport.start(static_cast<machine::RequestId>(i + 1), host, command(i));
    await(transport, 1);
    times.push_back(now_ms() - before);
  }
  print_times(what, times);
}

}  // namespace

int main(int argc, char **argv) {
  // ssh_bench [HOSTS [COMMANDS]]
  const std::size_t hosts = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 100;
  const int commands = argc > 2 ? std::atoi(argv[2]) : 2000;
  const Scratch scratch;
  const std::string identity = scratch.path("identity");
  const std::string authorized = make_key(identity);
  make_key(scratch.path("host_key"));
  std::vector<std::unique_ptr<Sshd>> daemons;
  std::vector<SshHost> list;
  std::string known;
  for (std::size_t i = 0; i < hosts; ++i) {
    daemons.push_back(std::make_unique<Sshd>(scratch, fmt::format("h{}", i), authorized,
                                             Sshd::Setup{.address = fmt::format("127.1.{}.{}", i / 200, i % 200 + 1),
                                                         .lines = {},
                                                         .host_key = scratch.path("host_key"),
                                                         .port = 0}));
    known += daemons.back()->known_hosts_line();
    SshHost host;
    host.id = plan::HostId(i);
    host.name = fmt::format("h{}", i);
    host.address = daemons.back()->address();
    host.port = daemons.back()->port();
    list.push_back(host);
  }
  SshOptions options;
  options.config = "none";
  options.known_hosts = {scratch.write("known", known)};
  options.identities = {identity};
  options.agent = false;
  SshTransport transport(options, list);

  double before = now_ms();
  double cpu = cpu_ms();
  for (std::size_t i = 0; i < hosts; ++i) transport.start(i + 1, plan::HostId(i), question());
  await(transport, hosts);
  double took = now_ms() - before;
  fmt::print("{:<58} {:.0f} ms: {:.0f} handshakes/s, {:.2f} ms of client CPU each\n",
             fmt::format("{} hosts, first command answered by all", hosts), took,
             1000 * static_cast<double>(hosts) / took, (cpu_ms() - cpu) / static_cast<double>(hosts));

  for (const std::size_t sessions : {std::size_t{1}, std::min<std::size_t>(20, hosts), hosts}) {
    const std::size_t each = std::max<std::size_t>(1, static_cast<std::size_t>(commands) / sessions);
    before = now_ms();
    cpu = cpu_ms();
    for (std::size_t i = 0; i < each * sessions; ++i) transport.start(i + 1, plan::HostId(i % sessions), question());
    await(transport, each * sessions);
    took = now_ms() - before;
    fmt::print("{:<58} {:.0f} commands/s, {:.2f} ms of client CPU each\n",
               fmt::format("{} commands over {} warm session(s)", each * sessions, sessions),
               1000 * static_cast<double>(each * sessions) / took,
               (cpu_ms() - cpu) / static_cast<double>(each * sessions));
  }

  one_by_one(transport, plan::HostId(), "local: sh -c true", commands / 10, [](int) { return question(); });
  one_by_one(transport, plan::HostId(0), "probe on a warm session", commands / 10, [](int) { return question(); });
  one_by_one(transport, plan::HostId(0), "step on a warm session (claim, sync, detach, status)", commands / 20,
             [](int i) {
               machine::Command command = question();
               command.step_key = fmt::format("bench-{}", i);
               return command;
             });
  one_by_one(transport, plan::HostId(0), "asking for a step that has ended", commands / 20, [](int i) {
    machine::Command command;
    command.timeout = 60'000;
    command.step_key = fmt::format("bench-{}", i);
    command.attach_only = true;
    return command;
  });
  return 0;
}
