// Connections: host keys, log-in, hosts that hang, vanish or refuse, bastions, many at once.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

class SessionTest : public SshTest {
 protected:
  machine::Answer once(const SshOptions &options, SshHost host, machine::Command command = words({"echo", "hi"})) {
    SshTransport transport(options, {std::move(host)});
    machine::Answer answer = run(transport, HostId(0), std::move(command));
    warnings_ = transport.take_warnings();
    return answer;
  }
  std::vector<std::string> warnings_;
};

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/// Takes connections (the kernel does) and never says a word.
struct SilentServer {
  SilentServer() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr *>(&name), size), 0);
    EXPECT_EQ(listen(fd.get(), 100), 0);
    EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr *>(&name), &size), 0);
    port = ntohs(name.sin_port);
  }
  Fd fd;
  std::uint16_t port = 0;
};

TEST_F(SessionTest, AnUnknownHostKeyIsRefused) {
  SshOptions strict = options();
  strict.known_hosts = {scratch_.write("empty", "")};
  const auto answer = once(strict, host(*sshd_));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "SHA256:")) << answer.detail;
  EXPECT_TRUE(contains(answer.detail, "ssh-keyscan")) << answer.detail;
}

TEST_F(SessionTest, AChangedHostKeyIsRefusedWithBothFingerprints) {
  const std::string other = make_key(scratch_.path("other"));
  SshOptions strict = options();
  strict.known_hosts = {scratch_.write("changed", fmt::format("[127.0.0.1]:{} {}\n", sshd_->port(), other))};
  const auto answer = once(strict, host(*sshd_));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "has changed")) << answer.detail;
  EXPECT_NE(answer.detail.find("SHA256:"), answer.detail.rfind("SHA256:"));
}

TEST_F(SessionTest, ARevokedHostKeyIsRefused) {
  SshOptions strict = options();
  strict.known_hosts.push_back(scratch_.write("revoked", "@revoked * " + sshd_->host_key() + "\n"));
  const auto answer = once(strict, host(*sshd_));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "revoked")) << answer.detail;
}

TEST_F(SessionTest, AKeyOfAnotherTypeThanTheOneOnFileIsNotTaken) {
  // The server has two keys and only the second is on file: it must be asked for.
  std::string out;
  std::string error;
  const std::string rsa = scratch_.path("rsa");
  ASSERT_TRUE(run_for_output({"ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", rsa}, 20'000, out, error));
  const Sshd two(scratch_, "two", authorized_,
                 {.address = "127.0.0.1", .lines = {"HostKey " + rsa}, .host_key = "", .port = 0});
  SshOptions strict = options();
  strict.known_hosts = {
      scratch_.write("second", fmt::format("[127.0.0.1]:{} {}", two.port(), read_file(rsa + ".pub")))};
  EXPECT_EQ(once(strict, host(two)).outcome, Outcome::exited);
}

TEST_F(SessionTest, AWrongKeyIsRefusedAndSaysWhatWasTried) {
  make_key(scratch_.path("stranger"));
  SshOptions wrong = options();
  wrong.identities = {scratch_.path("stranger")};
  SshTransport transport(wrong, {host(*sshd_)});
  const auto answer = run(transport, HostId(0), words({"true"}));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "stranger")) << answer.detail;
  EXPECT_TRUE(contains(answer.detail, "publickey")) << answer.detail;
}

TEST_F(SessionTest, AnEncryptedKeyWithoutAgentIsNamed) {
  make_key(scratch_.path("locked"), "passphrase");
  SshOptions locked = options();
  locked.identities = {scratch_.path("locked")};
  const auto answer = once(locked, host(*sshd_));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "passphrase")) << answer.detail;
}

TEST_F(SessionTest, TheAgentIsUsed) {
  std::string out;
  std::string error;
  const std::string socket = scratch_.path("agent");
  Spawned agent = spawn_shell("exec ssh-agent -D -a " + socket);
  for (int i = 0; i < 2000 && access(socket.c_str(), F_OK) != 0; ++i) usleep(2000);
  ASSERT_TRUE(run_for_output({"env", "SSH_AUTH_SOCK=" + socket, "ssh-add", identity_}, 20'000, out, error)) << error;
  setenv("SSH_AUTH_SOCK", socket.c_str(), 1);
  SshOptions by_agent = options();
  by_agent.agent = true;
  by_agent.identities.clear();
  setenv("HOME", scratch_.path().c_str(), 1);
  EXPECT_EQ(once(by_agent, host(*sshd_)).outcome, Outcome::exited);
  // One that does not answer is named and left out.
  kill(agent.pid, SIGSTOP);
  EXPECT_EQ(once(by_agent, host(*sshd_)).outcome, Outcome::refused);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(contains(warnings_[0], "does not answer")) << warnings_[0];
  kill(agent.pid, SIGKILL);
  unsetenv("SSH_AUTH_SOCK");
}

TEST_F(SessionTest, NobodyListensIsUnreachableWithTheReason) {
  SshHost nobody = host(*sshd_);
  sshd_->stop();
  const auto answer = once(options(), nobody, words({"true"}, 700));
  EXPECT_EQ(answer.outcome, Outcome::unreachable);
  EXPECT_TRUE(contains(answer.detail, "connection refused by 127.0.0.1:")) << answer.detail;
}

TEST_F(SessionTest, AHostThatComesUpLaterIsReached) {
  const SshHost later = host(*sshd_);
  sshd_->stop();
  SshTransport transport(options(), {later});
  transport.start(1, HostId(0), words({"echo", "up"}, 20'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10 && answers.empty(); ++i) transport.wait(monotonic_now() + 30, answers, outputs_);
  EXPECT_TRUE(answers.empty());
  const Sshd again(scratch_, "again", authorized_,
                   {.address = "127.0.0.1", .lines = {}, .host_key = scratch_.path("sshd.key"), .port = later.port});
  EXPECT_EQ(collect(transport, 1)[1].out, "up\n");
}

TEST_F(SessionTest, HangingHostsDelayNobody) {
  const SilentServer silent;
  std::vector<SshHost> hosts = {host(*sshd_, 0)};
  for (std::size_t i = 1; i <= 30; ++i) {
    SshHost hanging = host(*sshd_, i);
    hanging.port = silent.port;
    hanging.address = fmt::format("127.0.0.{}", 1);
    hosts.push_back(hanging);
  }
  SshTransport transport(options(), hosts);
  for (std::size_t i = 1; i <= 30; ++i) transport.start(i, HostId(i), words({"true"}, 4'000));
  transport.start(100, HostId(0), words({"echo", "here"}, 10'000));
  std::vector<machine::Answer> answers;
  while (answers.empty()) transport.wait(monotonic_now() + 10'000, answers, outputs_);
  EXPECT_EQ(answers[0].request, 100u);
  EXPECT_EQ(answers[0].out, "here\n");
  for (auto &[request, answer] : collect(transport, 30))
    EXPECT_EQ(answer.outcome, Outcome::unreachable) << answer.detail;
}

TEST_F(SessionTest, ManyHangingAddressesGiveTheirSlotsBack) {
  // More hosts than slots, each on an address of its own, so that the overall limit is what they fill.
  std::vector<std::unique_ptr<SilentServer>> silent;
  std::vector<SshHost> hosts = {host(*sshd_, 0)};
  for (std::size_t i = 1; i <= 15; ++i) {
    silent.push_back(std::make_unique<SilentServer>());
    SshHost hanging = host(*sshd_, i);
    hanging.port = silent.back()->port;
    hosts.push_back(hanging);
  }
  SshTransport transport(options(), hosts);
  for (std::size_t i = 1; i <= 15; ++i) transport.start(i, HostId(i), words({"true"}, 5'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 5; ++i) transport.wait(monotonic_now() + 20, answers, outputs_);
  transport.start(100, HostId(0), words({"echo", "here"}, 4'000));
  while (answers.empty()) transport.wait(monotonic_now() + 10'000, answers, outputs_);
  EXPECT_EQ(answers[0].request, 100u);
  EXPECT_EQ(answers[0].outcome, Outcome::exited) << answers[0].detail;
}

TEST_F(SessionTest, ASilentPartitionIsNoticed) {
  SshOptions quick = options();
  quick.keepalive = 200;
  SshTransport transport(quick, {host(*sshd_)});
  const std::string fifo = make_fifo(scratch_.path("started"));
  transport.start(1, HostId(0), shell("echo x >" + fifo + "; sleep 30", 60'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10; ++i) transport.wait(monotonic_now() + 30, answers, outputs_);
  await_line(fifo);
  sshd_->signal_all(SIGSTOP);
  const machine::Millis before = monotonic_now();
  const auto answer = collect(transport, 1)[1];
  sshd_->signal_all(SIGCONT);
  EXPECT_EQ(answer.outcome, Outcome::lost) << answer.detail;
  EXPECT_TRUE(contains(answer.detail, "nothing was heard")) << answer.detail;
  EXPECT_LT(monotonic_now() - before, 3'000);
}

TEST_F(SessionTest, ALongSilentCommandIsKeptAliveWhileTheHostAnswers) {
  SshOptions quick = options();
  quick.keepalive =
      700;  // lost after three without an answer: sooner than the command ends, later than a busy machine stalls
  SshTransport transport(quick, {host(*sshd_)});
  const auto answer = run(transport, HostId(0), shell("sleep 3; echo done", 20'000));
  EXPECT_EQ(answer.out, "done\n") << answer.detail;
}

TEST_F(SessionTest, AControllerThatSleptAsksBeforeItGivesUpAHost) {
  SshOptions quick = options();
  quick.keepalive = 500;
  SshTransport transport(quick, {host(*sshd_)});
  const std::string started = make_fifo(scratch_.path("started"));
  const std::string go = make_fifo(scratch_.path("go"));
  transport.start(1, HostId(0), shell("echo x >" + started + "; cat " + go + "; echo done", 60'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10; ++i) transport.wait(monotonic_now() + 30, answers, outputs_);
  await_line(started);
  std::this_thread::sleep_for(std::chrono::milliseconds(4 * quick.keepalive));  // the controller's own sleep
  transport.wait(monotonic_now() + 30, answers, outputs_);
  send_line(go, "now");
  const auto answer = collect(transport, 1)[1];
  EXPECT_EQ(answer.out, "now\ndone\n") << answer.detail;
}

TEST_F(SessionTest, TheEndOfSshdIsLostForWhatRanAndARetryForWhatDidNot) {
  SshOptions options = this->options();
  options.channels = 2;
  const SshHost target = host(*sshd_);
  SshTransport transport(options, {target});
  const std::vector<std::string> fifos = {make_fifo(scratch_.path("started1")), make_fifo(scratch_.path("started2"))};
  for (machine::RequestId i = 1; i <= 2; ++i)
    transport.start(i, HostId(0), shell("echo x >" + fifos[i - 1] + "; sleep 30", 30'000));
  transport.start(3, HostId(0), words({"echo", "third"}, 30'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10; ++i) transport.wait(monotonic_now() + 30, answers, outputs_);
  for (const std::string &fifo : fifos) await_line(fifo);
  sshd_->stop();
  const Sshd again(scratch_, "again", authorized_,
                   {.address = "127.0.0.1", .lines = {}, .host_key = scratch_.path("sshd.key"), .port = target.port});
  auto found = collect(transport, 3);
  EXPECT_EQ(found[1].outcome, Outcome::lost);
  EXPECT_EQ(found[2].outcome, Outcome::lost);
  EXPECT_EQ(found[3].out, "third\n") << found[3].detail;
}

TEST_F(SessionTest, AnIdleConnectionThatDiedIsReplacedUnnoticed) {
  const SshHost target = host(*sshd_);
  SshTransport transport(options(), {target});
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "one"})).out, "one\n");
  sshd_->stop();
  const Sshd again(scratch_, "again", authorized_,
                   {.address = "127.0.0.1", .lines = {}, .host_key = scratch_.path("sshd.key"), .port = target.port});
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "two"})).out, "two\n");
}

TEST_F(SessionTest, DisconnectDropsAndTheNextRequestConnectsAgain) {
  SshTransport transport(options(), {host(*sshd_)});
  const auto first = run(transport, HostId(0), words({"sh", "-c", "echo $PPID"}));
  transport.disconnect(HostId(0));
  const auto second = run(transport, HostId(0), words({"sh", "-c", "echo $PPID"}));
  EXPECT_EQ(second.outcome, Outcome::exited);
  EXPECT_NE(first.out, second.out);
}

TEST_F(SessionTest, AConnectionThatWasIdleForLongIsNotTrusted) {
  SshOptions wary = options();
  wary.trusted_idle = 300;
  SshTransport transport(wary, {host(*sshd_)});
  const auto first = run(transport, HostId(0), words({"sh", "-c", "echo $PPID"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * wary.trusted_idle));
  const auto second = run(transport, HostId(0), words({"sh", "-c", "echo $PPID"}));
  EXPECT_EQ(second.outcome, Outcome::exited);
  EXPECT_NE(first.out, second.out);
}

TEST_F(SessionTest, ThirtyCommandsQueueOverEightChannels) {
  SshTransport transport(options(), {host(*sshd_)});
  const std::string directory = scratch_.path("running");
  std::filesystem::create_directories(directory);
  for (machine::RequestId i = 1; i <= 30; ++i) {
    transport.start(
        i, HostId(0),
        shell("mkdir " + directory + "/$$; ls " + directory + " | wc -l; sleep 0.05; rmdir " + directory + "/$$"));
  }
  int most = 0;
  for (auto &[request, answer] : collect(transport, 30)) {
    EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
    most = std::max(most, std::atoi(answer.out.c_str()));
  }
  EXPECT_LE(most, 8);
  EXPECT_GE(most, 2);
}

TEST_F(SessionTest, AServerWithFewerSessionsThanWeWantServesAllTheSame) {
  const Sshd small(scratch_, "small", authorized_,
                   {.address = "127.0.0.1", .lines = {"MaxSessions 2"}, .host_key = "", .port = 0});
  SshOptions trusting = options();
  trusting.known_hosts.push_back(scratch_.write("small_known", small.known_hosts_line()));
  SshTransport transport(trusting, {host(small)});
  for (machine::RequestId i = 1; i <= 12; ++i) transport.start(i, HostId(0), words({"echo", "x"}));
  for (auto &[request, answer] : collect(transport, 12)) EXPECT_EQ(answer.out, "x\n") << answer.detail;
}

TEST_F(SessionTest, AHundredHosts) {
  std::vector<std::unique_ptr<Sshd>> daemons;
  std::string known;
  std::vector<const Sshd *> list;
  for (int i = 0; i < 100; ++i) {
    daemons.push_back(std::make_unique<Sshd>(scratch_, fmt::format("h{}", i), authorized_,
                                             Sshd::Setup{.address = fmt::format("127.1.{}.{}", i / 50, i % 50 + 1),
                                                         .lines = {},
                                                         .host_key = scratch_.path("sshd.key"),
                                                         .port = 0}));
    known += daemons.back()->known_hosts_line();
    list.push_back(daemons.back().get());
  }
  known_hosts_ = scratch_.write("hundred", known);
  auto transport = connect(list);
  for (std::size_t i = 0; i < 100; ++i) transport->start(i + 1, HostId(i), shell(fmt::format("echo {}", i)));
  for (auto &[request, answer] : collect(*transport, 100))
    EXPECT_EQ(answer.out, fmt::format("{}\n", request - 1)) << answer.detail;
}

TEST_F(SessionTest, ThroughABastionOfTheInventory) {
  const Sshd inside(scratch_, "inside", authorized_, {.address = "127.0.0.2", .lines = {}, .host_key = "", .port = 0});
  known_hosts_ = scratch_.write("both", sshd_->known_hosts_line() + inside.known_hosts_line());
  SshHost bastion = host(*sshd_, 0);
  SshHost behind = host(inside, 1);
  SshHost twice = host(inside, 2);
  behind.via = HostId(0);
  twice.via = HostId(3);
  SshHost second = host(*sshd_, 3);
  second.via = HostId(0);
  SshTransport transport(options(), {bastion, behind, twice, second});
  EXPECT_EQ(run(transport, HostId(1), words({"sh", "-c", "echo ${SSH_CONNECTION%% *}"})).out, "127.0.0.1\n");
  const auto answer = run(transport, HostId(2), words({"echo", "two hops"}));
  EXPECT_EQ(answer.out, "two hops\n") << answer.detail;
}

TEST_F(SessionTest, ABastionWithAnUnknownKeyIsRefused) {
  const Sshd inside(scratch_, "inside", authorized_);
  SshOptions strict = options();
  strict.known_hosts = {scratch_.write("inside_only", inside.known_hosts_line())};
  SshHost bastion = host(*sshd_, 0);
  SshHost behind = host(inside, 1);
  behind.via = HostId(0);
  SshTransport transport(strict, {bastion, behind});
  const auto answer = run(transport, HostId(1), words({"true"}, 5'000));
  EXPECT_EQ(answer.outcome, Outcome::refused) << answer.detail;
  EXPECT_TRUE(contains(answer.detail, "Host key verification failed")) << answer.detail;
}

TEST_F(SessionTest, BastionsInACircleAreUnreachable) {
  SshHost a = host(*sshd_, 0);
  SshHost b = host(*sshd_, 1);
  a.via = HostId(1);
  b.via = HostId(0);
  SshTransport transport(options(), {a, b});
  const auto answer = run(transport, HostId(0), words({"true"}, 1'000));
  EXPECT_EQ(answer.outcome, Outcome::unreachable);
  EXPECT_TRUE(contains(answer.detail, "circle")) << answer.detail;
}

TEST_F(SessionTest, SshConfigIsFollowed) {
  const Sshd inside(scratch_, "inside", authorized_, {.address = "127.0.0.2", .lines = {}, .host_key = "", .port = 0});
  const std::string known = scratch_.write("both", sshd_->known_hosts_line() + inside.known_hosts_line());
  scratch_.write("more", fmt::format("Host inside\n HostName 127.0.0.2\n Port {}\n ProxyJump gate\n", inside.port()));
  SshOptions by_config;
  by_config.agent = false;
  by_config.config = scratch_.write(
      "config",
      fmt::format(
          "Include {}\nHost gate\n HostName 127.0.0.1\n Port {}\nHost *\n IdentityFile {}\n UserKnownHostsFile {}\n "
          "ServerAliveInterval 5\n StrictHostKeyChecking no\n",
          scratch_.path("more"), sshd_->port(), identity_, known));
  SshHost named;
  named.id = HostId(0);
  named.name = "inside";
  const auto answer = once(by_config, named, words({"sh", "-c", "echo $SSH_CONNECTION"}));
  EXPECT_TRUE(contains(answer.out, fmt::format(" 127.0.0.2 {}", inside.port()))) << answer.out << answer.detail;
  EXPECT_EQ(warnings_.size(), 2u);
  // What the inventory says wins.
  named.address = "127.0.0.1";
  named.port = sshd_->port();
  const auto other = once(by_config, named, words({"sh", "-c", "echo $SSH_CONNECTION"}));
  EXPECT_TRUE(contains(other.out, fmt::format(" 127.0.0.1 {}", sshd_->port()))) << other.out << other.detail;
}

TEST_F(SessionTest, AProxyCommandOfTheUserIsFollowed) {
  SshOptions by_config = options();
  by_config.config =
      scratch_.write("config", fmt::format("Host through\n HostName 127.0.0.1\n Port {}\n ProxyCommand ssh -F none -i "
                                           "{} -o UserKnownHostsFile={} -W %h:%p -p %p 127.0.0.1\n",
                                           sshd_->port(), identity_, known_hosts_));
  SshHost named;
  named.id = HostId(0);
  named.name = "through";
  const auto answer = once(by_config, named);
  EXPECT_EQ(answer.out, "hi\n") << answer.detail;
}

TEST_F(SessionTest, AUserCertificateIsUsed) {
  std::string out;
  std::string error;
  const std::string authority = make_key(scratch_.path("authority"));
  const std::string own = make_key(scratch_.path("certified"));
  const passwd *entry = getpwuid(getuid());
  const std::string principal = entry ? entry->pw_name : "root";
  ASSERT_TRUE(run_for_output({"ssh-keygen", "-q", "-s", scratch_.path("authority"), "-I", "test", "-n", principal,
                              scratch_.path("certified.pub")},
                             20'000, out, error))
      << error;
  const Sshd trusting(scratch_, "trusting", "",
                      {.address = "127.0.0.1",
                       .lines = {"TrustedUserCAKeys " + scratch_.write("ca.pub", authority + "\n")},
                       .host_key = scratch_.path("sshd.key"),
                       .port = 0});
  known_hosts_ = scratch_.write("trusting_known", trusting.known_hosts_line());
  SshOptions certified = options();
  certified.identities = {scratch_.path("certified")};
  const auto answer = once(certified, host(trusting));
  EXPECT_EQ(answer.out, "hi\n") << answer.detail;
}

TEST_F(SessionTest, AServerThatDropsConnectionsIsTriedAgain) {
  const Sshd busy(
      scratch_, "busy", authorized_,
      {.address = "127.0.0.1", .lines = {"MaxStartups 1:100:1"}, .host_key = scratch_.path("sshd.key"), .port = 0});
  known_hosts_ = scratch_.write("busy_known", busy.known_hosts_line());
  // One connection that never logs in takes the only place.
  // (The fixture's own first connection may still be counted.)
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(busy.port());
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd occupant;
  for (char greeting = 0; greeting != 'S';) {
    occupant = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(occupant.get(), reinterpret_cast<sockaddr *>(&name), sizeof name), 0);
    ASSERT_EQ(read(occupant.get(), &greeting, 1), 1);
  }
  SshTransport transport(options(), {host(busy)});
  transport.start(1, HostId(0), words({"echo", "in"}, 30'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10; ++i) transport.wait(monotonic_now() + 50, answers, outputs_);
  ASSERT_TRUE(answers.empty()) << name_of(answers[0].outcome) << answers[0].detail;
  occupant.reset();
  EXPECT_EQ(collect(transport, 1)[1].out, "in\n");
}

TEST_F(SessionTest, ABadSshConfigIsAnError) {
  SshOptions bad = options();
  bad.config = scratch_.write("config", "NoSuchOption yes\n");
  const auto answer = once(bad, host(*sshd_), words({"true"}, 1'000));
  EXPECT_EQ(answer.outcome, Outcome::unreachable);
  EXPECT_TRUE(contains(answer.detail, "nosuchoption")) << answer.detail;
}

TEST_F(SessionTest, AnUnknownNameIsUnreachable) {
  SshHost nowhere = host(*sshd_);
  nowhere.address = "no-such-host.invalid";
  const auto answer = once(options(), nowhere, words({"true"}, 3'000));
  EXPECT_EQ(answer.outcome, Outcome::unreachable);
  EXPECT_TRUE(contains(answer.detail, "cannot find the address of no-such-host.invalid")) << answer.detail;
}

TEST_F(SessionTest, NoiseOfTheLoginShellIsDropped) {
  const Sshd noisy(scratch_, "noisy", authorized_,
                   {.address = "127.0.0.1",
                    .lines = {"ForceCommand echo welcome; eval \"$SSH_ORIGINAL_COMMAND\""},
                    .host_key = "",
                    .port = 0});
  known_hosts_ = scratch_.write("noisy_known", noisy.known_hosts_line());
  const auto answer = once(options(), host(noisy));
  EXPECT_EQ(answer.out, "hi\n");
  EXPECT_TRUE(contains(answer.detail, "welcome")) << answer.detail;
}

TEST_F(SessionTest, AnAccountThatRunsNothingIsRefused) {
  const Sshd closed(scratch_, "closed", authorized_,
                    {.address = "127.0.0.1",
                     .lines = {"ForceCommand echo This account is closed; exit 1"},
                     .host_key = "",
                     .port = 0});
  known_hosts_ = scratch_.write("closed_known", closed.known_hosts_line());
  const auto answer = once(options(), host(closed));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_TRUE(contains(answer.detail, "This account is closed")) << answer.detail;
}

TEST_F(SessionTest, WaitReturnsWhenWoken) {
  SshTransport transport(options(), {host(*sshd_)});
  const Fd wake(eventfd(0, EFD_CLOEXEC));
  transport.wake_on(wake.get());
  transport.start(1, HostId(0), words({"sleep", "20"}));
  const std::uint64_t one = 1;
  ASSERT_EQ(write(wake.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  const machine::Millis before = monotonic_now();
  std::vector<machine::Answer> answers;
  transport.wait(before + 15'000, answers, outputs_);
  EXPECT_TRUE(answers.empty());
  EXPECT_LT(monotonic_now() - before, 5'000);
}

TEST_F(SessionTest, WaitWithoutATimeReturnsAtOnce) {
  SshTransport transport(options(), {host(*sshd_)});
  transport.start(1, HostId(0), words({"sleep", "20"}));
  const machine::Millis before = monotonic_now();
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 20; ++i) transport.wait(std::nullopt, answers, outputs_);
  EXPECT_LT(monotonic_now() - before, 1'000);
  EXPECT_TRUE(answers.empty());
}

TEST_F(SessionTest, AnIdleWaitDoesNotSpin) {
  SshTransport transport(options(), {host(*sshd_)});
  transport.start(1, HostId(0), words({"sleep", "1"}));
  timespec before{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  collect(transport, 1);
  timespec after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const auto spent = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1'000'000;
  EXPECT_LT(spent, 200) << "ms of CPU in a second of waiting";
}

}  // namespace
}  // namespace upg::transport::test
