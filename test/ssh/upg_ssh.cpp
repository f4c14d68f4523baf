// A small client of the SSH transport for tests and for trying things out by hand: one command on one or several hosts.
//
//   upg-ssh [options] NAME=[USER@]ADDRESS[:PORT][,via=NAME] ... -- ARGV...
//
// A host named "local" without address is the controller. Prints one line for each answer, then its output. Exit status
// 0 if all answers are `exited 0`.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <string_view>

#include "runtime/transport/shell.h"
#include "runtime/transport/ssh/ssh_transport.h"
#include "runtime/transport/system_clock.h"

namespace {

using namespace upg;

const char *name_of(machine::Outcome outcome) {
  static constexpr const char *names[] = {"exited", "signaled", "timed_out", "unreachable", "lost",     "refused",
                                          "absent", "running",  "vanished",  "fenced",      "cancelled"};
  return names[static_cast<std::size_t>(outcome)];
}

int usage() {
  std::cerr << "usage: upg-ssh [--config FILE|none] [--known-hosts FILE] [--identity FILE] [--no-agent] [--state DIR]\n"
               "               [--user NAME] [--sudo-password TEXT] [--step KEY] [--attach] [--forget] [--timeout MS]\n"
               "               [--limit BYTES] [--env K=V] [--input | --script] [--stream] [--repeat N] [--quiet] "
               "[--linger MS]\n"
               "               NAME=[USER@]ADDRESS[:PORT][,via=NAME] ... -- ARGV...\n";
  return 2;
}

struct Arguments {
  transport::SshOptions options;
  std::vector<transport::SshHost> hosts;
  machine::Command command;
  std::string sudo_password;
  bool local = false, forget = false, stream = false, quiet = false, script = false;
  int repeat = 1;
  machine::Millis linger = 0;
};

bool parse_host(std::string_view text, Arguments &arguments) {
  if (text == "local") {
    arguments.local = true;
    return true;
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  transport::SshHost host;
  host.id = plan::HostId(arguments.hosts.size());
  host.name = text.substr(0, equals);
  std::string_view rest = text.substr(equals + 1);
  if (const std::size_t via = rest.find(",via="); via != std::string_view::npos) {
    for (const auto &other : arguments.hosts) {
      if (other.name == rest.substr(via + 5)) host.via = other.id;
    }
    rest = rest.substr(0, via);
  }
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    host.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos && rest.find(':') == colon) {
    std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), host.port);
    rest = rest.substr(0, colon);
  }
  host.address = rest;
  arguments.hosts.push_back(std::move(host));
  return true;
}

bool parse(int argc, char **argv, Arguments &arguments) {
  arguments.command.timeout = 30'000;
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (option == "--config")
      arguments.options.config = value();
    else if (option == "--known-hosts")
      arguments.options.known_hosts.push_back(value());
    else if (option == "--identity")
      arguments.options.identities.push_back(value());
    else if (option == "--no-agent")
      arguments.options.agent = false;
    else if (option == "--state")
      arguments.options.state_directory = value();
    else if (option == "--keepalive")
      arguments.options.keepalive = std::atoll(value().c_str());
    else if (option == "--user")
      arguments.command.user = value();
    else if (option == "--sudo-password")
      arguments.sudo_password = value();
    else if (option == "--step")
      arguments.command.step_key = value();
    else if (option == "--attach")
      arguments.command.attach_only = true;
    else if (option == "--forget")
      arguments.forget = true;
    else if (option == "--timeout")
      arguments.command.timeout = std::atoll(value().c_str());
    else if (option == "--limit")
      arguments.command.output_limit = static_cast<std::uint64_t>(std::atoll(value().c_str()));
    else if (option == "--input")
      arguments.command.input.assign(std::istreambuf_iterator<char>(std::cin), {});
    else if (option == "--script")
      arguments.script = true;
    else if (option == "--stream")
      arguments.stream = true;
    else if (option == "--quiet")
      arguments.quiet = true;
    else if (option == "--repeat")
      arguments.repeat = std::atoi(value().c_str());
    else if (option == "--linger")
      arguments.linger = std::atoll(value().c_str());
    else if (option == "--env") {
      const std::string pair = value();
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos) return false;
      arguments.command.environment.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    } else if (!parse_host(option, arguments)) {
      return false;
    }
  }
  for (++i; i < argc; ++i) arguments.command.argv.push_back(argv[i]);
  if (arguments.script) {
    for (const std::string &word : arguments.command.argv)
      arguments.command.script += (arguments.command.script.empty() ? "" : " ") + word;
    arguments.command.argv.clear();
  }
  return arguments.local || !arguments.hosts.empty();
}

}  // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage();
  transport::SshTransport ssh(arguments.options, arguments.hosts);
  ssh.set_sudo_password(arguments.sudo_password);
  if (arguments.forget)
    arguments.command = transport::forget_step(arguments.command.step_key, arguments.command.timeout,
                                               arguments.options.state_directory);
  std::map<machine::RequestId, std::string> names;
  for (int round = 0; round < arguments.repeat; ++round) {
    for (const transport::SshHost &host : arguments.hosts) {
      names[names.size() + 1] = host.name;
      ssh.start(names.size(), host.id, arguments.command);
    }
    if (arguments.local) {
      names[names.size() + 1] = "local";
      ssh.start(names.size(), plan::HostId(), arguments.command);
    }
  }
  bool good = true;
  for (std::size_t left = names.size(); left > 0;) {
    std::vector<machine::Answer> answers;
    std::vector<machine::Output> outputs;
    ssh.wait(transport::monotonic_now() + 1000, answers, outputs);
    if (arguments.stream) {
      for (const machine::Output &output : outputs) {
        (output.error ? std::cerr : std::cout) << output.bytes;
      }
      std::cout.flush();
    }
    for (const machine::Answer &answer : answers) {
      --left;
      good = good && answer.outcome == machine::Outcome::exited && answer.code == 0;
      std::cout << fmt::format("{}: {}", names[answer.request], name_of(answer.outcome));
      if (answer.outcome == machine::Outcome::exited) std::cout << ' ' << answer.code;
      if (answer.outcome == machine::Outcome::signaled) std::cout << ' ' << answer.signal;
      std::cout << fmt::format(" out={} err={}", answer.out_bytes, answer.err_bytes);
      if (!answer.detail.empty()) std::cout << " (" << answer.detail << ')';
      std::cout << '\n';
      if (!arguments.quiet && !arguments.stream) {
        std::cout << answer.out;
        std::cout.flush();
        std::cerr << answer.err;
      }
      std::cout.flush();
    }
  }
  std::vector<machine::Answer> late;
  std::vector<machine::Output> noise;
  for (const machine::Millis until = transport::monotonic_now() + arguments.linger;
       transport::monotonic_now() < until;) {
    ssh.wait(until, late, noise);
  }
  for (const std::string &warning : ssh.take_warnings()) std::cerr << "warning: " << warning << '\n';
  return good ? 0 : 1;
}
