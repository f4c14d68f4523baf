// Faults of the wire and of hosts, through a front that stands between the transport and a real sshd.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <sstream>
#include <thread>

#include "runtime/transport/shell.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

/// A TCP port before an sshd: passes connections on, or does to them what networks and overloaded servers do.
class Front {
 public:
  enum class Mode {
    relay,
    drop,    // closed before a banner: MaxStartups, PerSourcePenalties of newer servers
    refuse,  // the same with a word, as OpenSSH says it since 9.8
    mute,    // taken by the kernel, and nobody ever speaks
  };
  explicit Front(std::uint16_t to, Mode first = Mode::relay)
      : mode(first), to_(to), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr *>(&name), size), 0);
    EXPECT_EQ(listen(listener_.get(), 100), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr *>(&name), &size), 0);
    port = ntohs(name.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Front() {
    over_ = true;
    thread_.join();
  }
  Front(const Front &) = delete;
  Front &operator=(const Front &) = delete;

  std::uint16_t port = 0;
  std::atomic<Mode> mode;
  std::atomic<bool> cut = false;  // what is connected hears nothing any more, and no end
  std::atomic<int> accepted = 0;

 private:
  using Pair = std::array<Fd, 2>;

  void take() {
    Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    ++accepted;
    switch (mode.load()) {
      case Mode::drop:
        return;
      case Mode::refuse: {
        static constexpr std::string_view words = "Not allowed at this time\r\n";
        [[maybe_unused]] const ssize_t count = send(client.get(), words.data(), words.size(), MSG_NOSIGNAL);
        return;
      }
      case Mode::mute:
        kept_.push_back(std::move(client));
        return;
      case Mode::relay:
        break;
    }
    Fd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in name = loopback(to_);
    if (connect(server.get(), reinterpret_cast<const sockaddr *>(&name), sizeof name) != 0) return;
    pairs_.push_back({std::move(client), std::move(server)});
  }

  static bool pass(const Fd &from, const Fd &to) {
    std::array<char, 16 * 1024> buffer;
    const ssize_t count = recv(from.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN;
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more = send(to.get(), buffer.data() + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += more;
    }
    return count > 0;
  }

  void run() {
    while (!over_) {
      std::vector<pollfd> polls = {{listener_.get(), POLLIN, 0}};
      if (!cut)
        for (const Pair &pair : pairs_)
          for (const Fd &fd : pair) polls.push_back({fd.get(), POLLIN, 0});
      const bool moving = !cut && polls.size() == 1 + 2 * pairs_.size();
      poll(polls.data(), polls.size(), 20);
      if (moving) {
        std::vector<Pair> left;
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
          Pair &pair = pairs_[i];
          const bool open = (polls[1 + 2 * i].revents == 0 || pass(pair[0], pair[1])) &&
                            (polls[2 + 2 * i].revents == 0 || pass(pair[1], pair[0]));
          if (open) left.push_back(std::move(pair));
        }
        pairs_ = std::move(left);
      }
      if (polls[0].revents != 0) take();
    }
  }

  std::uint16_t to_;
  Fd listener_;
  std::vector<Pair> pairs_;
  std::vector<Fd> kept_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class FaultTest : public SshTest {
 protected:
  /// The sshd as host `id`, behind the front.
  SshHost behind(const Front &front, std::size_t id = 0) {
    SshHost there = host(*sshd_, id);
    there.port = front.port;
    known_ += fmt::format("[127.0.0.1]:{} {}\n", front.port, sshd_->host_key());
    return there;
  }
  SshOptions trusting() {
    SshOptions all = options();
    all.known_hosts = {scratch_.write("known.fronts", known_ + sshd_->known_hosts_line() + "\n")};
    return all;
  }
  /// Lets the transport work for a while; what it answers is kept.
  void serve(SshTransport &transport, machine::Millis time) {
    const machine::Millis end = monotonic_now() + time;
    while (monotonic_now() < end) transport.wait(end, answers_, outputs_);
  }
  const machine::Answer *answer(machine::RequestId request) const {
    for (const machine::Answer &a : answers_)
      if (a.request == request) return &a;
    return nullptr;
  }
  /// Until it is answered, or for 60 s.
  machine::Answer await(SshTransport &transport, machine::RequestId request) {
    const machine::Millis end = monotonic_now() + 60'000;
    while (!answer(request) && monotonic_now() < end) transport.wait(end, answers_, outputs_);
    if (const machine::Answer *found = answer(request)) return *found;
    ADD_FAILURE() << "request " << request << " is not answered";
    return {};
  }
  std::string known_;
  std::vector<machine::Answer> answers_;
};

/// MaxStartups and PerSourcePenalties close connections before the banner for as long as they like (a penalty: 15 s and
/// more). Debian 12's sshd has no penalties; the front does to us what a newer one does.
class Penalty : public FaultTest, public testing::WithParamInterface<Front::Mode> {};
INSTANTIATE_TEST_SUITE_P(As, Penalty, testing::Values(Front::Mode::drop, Front::Mode::refuse), [](const auto &which) {
  return std::string(which.param == Front::Mode::drop ? "silence" : "words");
});

TEST_P(Penalty, IsWaitedOutWithoutAddingToIt) {
  Front front(sshd_->port(), GetParam());
  const SshHost penalised = behind(front), other = host(*sshd_, 1);
  SshTransport transport(trusting(), {penalised, other});
  const machine::Millis before = monotonic_now();
  transport.start(1, HostId(0), words({"echo", "in"}, 60'000));
  transport.start(2, HostId(1), words({"echo", "other"}));
  EXPECT_EQ(await(transport, 2).out, "other\n");
  EXPECT_FALSE(answer(1));
  serve(transport, 5'000);
  EXPECT_FALSE(answer(1));
  EXPECT_GE(front.accepted, 3);
  EXPECT_LE(front.accepted, 7 + (monotonic_now() - before) / 1'000) << "every try may be counted against us";
  front.mode = Front::Mode::relay;
  EXPECT_EQ(await(transport, 1).out, "in\n");
}

TEST_P(Penalty, ThatDoesNotEndIsUnreachableAtTheDeadline) {
  const Front front(sshd_->port(), GetParam());
  const SshHost penalised = behind(front);
  SshTransport transport(trusting(), {penalised});
  const machine::Millis before = monotonic_now();
  const auto found = run(transport, HostId(0), step("k", words({"true"}, 2'000)));
  EXPECT_EQ(found.outcome, Outcome::unreachable) << found.detail;
  EXPECT_TRUE(contains(found.detail, fmt::format("127.0.0.1:{}", front.port))) << found.detail;
  EXPECT_LT(monotonic_now() - before, 10'000);
  SshTransport direct(trusting(), {host(*sshd_)});
  EXPECT_EQ(run(direct, HostId(0), attach("k")).outcome, Outcome::absent) << "nothing was started";
}

TEST_F(FaultTest, AConnectionWithoutABannerIsGivenUpAndMadeAnew) {
  Front front(sshd_->port(), Front::Mode::mute);
  const SshHost mute = behind(front), other = host(*sshd_, 1);
  SshOptions quick = trusting();
  quick.handshake_timeout = 1'500;
  SshTransport transport(quick, {mute, other});
  transport.start(1, HostId(0), words({"echo", "in"}, 40'000));
  transport.start(2, HostId(1), words({"echo", "other"}));
  EXPECT_EQ(await(transport, 2).out, "other\n");
  serve(transport, 500);
  EXPECT_FALSE(answer(1));
  front.mode = Front::Mode::relay;
  EXPECT_EQ(await(transport, 1).out, "in\n");
  EXPECT_GE(front.accepted, 2);
}

/// Nothing comes any more and nothing ends (no FIN): the step goes on there, its end is not lost, and nobody else
/// waits.
TEST_F(FaultTest, ASilentPartitionDuringAStep) {
  Front front(sshd_->port());
  const SshHost away = behind(front), other = host(*sshd_, 1);
  SshOptions quick = trusting();
  quick.keepalive = 700;
  SshTransport transport(quick, {away, other});
  const std::string started = make_fifo(scratch_.path("started")), go = make_fifo(scratch_.path("go"));
  const auto command = step("k", shell(fmt::format("echo x >{}; read l <{}; echo $l; exit 3", started, go), 60'000));
  transport.start(1, HostId(0), command);
  std::atomic<bool> begun = false;
  std::thread there([&] {
    await_line(started);
    begun = true;
  });
  while (!begun) serve(transport, 20);
  there.join();
  front.cut = true;
  const machine::Millis before = monotonic_now();
  transport.start(2, HostId(1), words({"echo", "other"}));
  EXPECT_EQ(await(transport, 2).out, "other\n");
  const auto lost = await(transport, 1);
  EXPECT_EQ(lost.outcome, Outcome::lost) << lost.detail;
  EXPECT_TRUE(contains(lost.detail, "nothing was heard")) << lost.detail;
  EXPECT_LT(monotonic_now() - before, 15'000);
  send_line(go, "went on");
  front.cut = false;
  transport.start(3, HostId(0), command);
  const auto again = await(transport, 3);
  EXPECT_EQ(again.outcome, Outcome::exited) << again.detail;
  EXPECT_EQ(again.code, 3);
  EXPECT_EQ(again.out, "went on\n");
}

/// The other side is long gone and did not say so: what is asked over it is answered in bounded time, by a new
/// connection the next time.
TEST_F(FaultTest, AHalfOpenConnection) {
  Front front(sshd_->port());
  const SshHost away = behind(front);
  SshOptions quick = trusting();
  quick.keepalive = 500;
  SshTransport transport(quick, {away});
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "one"})).out, "one\n");
  front.cut = true;
  const machine::Millis before = monotonic_now();
  const auto lost = run(transport, HostId(0), words({"echo", "two"}, 60'000));
  EXPECT_NE(lost.outcome, Outcome::exited);
  EXPECT_LT(monotonic_now() - before, 15'000);
  front.cut = false;
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "three"})).out, "three\n");
  EXPECT_EQ(front.accepted, 2);
}

/// Who answers over a new connection is to be asked first: a step that is meant for the one before starts nothing.
TEST_F(FaultTest, AStepForAnEarlierConnectionIsNotStarted) {
  SshTransport transport(options(), {host(*sshd_)});
  EXPECT_EQ(transport.connection(HostId(0)), 0u);
  EXPECT_EQ(run(transport, HostId(0), words({"true"})).code, 0);
  ASSERT_EQ(transport.connection(HostId(0)), 1u);
  machine::Command command = step("k", words({"echo", "ran"}));
  command.connection = 1;
  transport.disconnect(HostId(0));
  for (int i = 0; i < 2; ++i) {  // while it connects, and on the connection that is there
    const auto late = run(transport, HostId(0), command);
    EXPECT_EQ(late.outcome, Outcome::unreachable) << late.detail;
    EXPECT_TRUE(contains(late.detail, "who answers there was not asked")) << late.detail;
  }
  EXPECT_EQ(run(transport, HostId(0), attach("k")).outcome, Outcome::absent);
  command.connection = transport.connection(HostId(0));
  EXPECT_EQ(command.connection, 2u);
  EXPECT_EQ(run(transport, HostId(0), command).out, "ran\n");
}

/// What does not end and cannot be ended: a step whose processes are stopped for good.
TEST_F(FaultTest, AStepThatNothingCanEnd) {
  SshTransport transport(options(), {host(*sshd_)});
  const std::string pid = scratch_.path("pid");
  const auto command =
      step("k", shell(fmt::format("trap '' TERM HUP INT; echo $$ >{}; kill -STOP $$; exit 9", pid), 3'000));
  const machine::Millis before = monotonic_now();
  EXPECT_EQ(run(transport, HostId(0), command).outcome, Outcome::timed_out);
  EXPECT_LT(monotonic_now() - before, 15'000);
  EXPECT_EQ(run(transport, HostId(0), attach("k")).outcome, Outcome::running) << "not failed: it is still there";
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "other"})).out, "other\n");
  ASSERT_EQ(kill(std::atoi(read_file(pid).c_str()), SIGCONT), 0);
  transport.start(50, HostId(0), step("k", shell("false", 20'000)));
  EXPECT_EQ(await(transport, 50).code, 9) << "its real end";
}

/// The disk of the host is full (ENOSPC) when the command ends: its status is kept as soon as there is room.
TEST_F(FaultTest, AFullDiskAtTheEndOfAStep) {
  SshTransport transport(options(), {host(*sshd_)});
  const std::string started = make_fifo(scratch_.path("started")), go = make_fifo(scratch_.path("go"));
  transport.start(1, HostId(0), step("k", shell(fmt::format("echo x >{}; read l <{}; exit 4", started, go), 60'000)));
  std::atomic<bool> begun = false;
  std::thread there([&] {
    await_line(started);
    begun = true;
  });
  while (!begun) serve(transport, 20);
  there.join();
  const std::string status = scratch_.path("sshd.state/steps/" + step_directory_name("k") + "/status.new");
  std::filesystem::create_symlink("/dev/full", status);
  send_line(go, "now");
  serve(transport, 1'500);
  EXPECT_FALSE(answer(1)) << "there is no end that is not kept";
  EXPECT_EQ(run(transport, HostId(0), attach("k")).outcome, Outcome::running);
  std::filesystem::remove(status);
  const auto found = await(transport, 1);
  EXPECT_EQ(found.outcome, Outcome::exited) << found.detail;
  EXPECT_EQ(found.code, 4);
}

/// Questions that leave their process group and hold their channel, more of them than the connection has channels.
TEST_F(FaultTest, QuestionsThatNothingCanEnd) {
  SshOptions few = options();
  few.channels = 3;
  SshTransport transport(few, {host(*sshd_)});
  const std::string pids = scratch_.path("pids");
  for (machine::RequestId i = 1; i <= 5; ++i)
    transport.start(
        i, HostId(0),
        shell(fmt::format("trap '' TERM; echo $$ >>{}; setsid sh -c 'trap \"\" TERM; echo $$ >>{}; sleep 100'", pids,
                          pids),
              2'500));
  for (machine::RequestId i = 1; i <= 5; ++i) {
    const auto found = await(transport, i);
    EXPECT_TRUE(found.outcome == Outcome::timed_out || found.outcome == Outcome::unreachable) << found.detail;
  }
  transport.start(100, HostId(0), words({"echo", "still"}, 30'000));
  EXPECT_EQ(await(transport, 100).out, "still\n") << answer(100)->detail;
  std::istringstream all(read_file(pids));
  for (pid_t pid = 0; all >> pid;) kill(pid, SIGKILL);
}

/// sudo hangs in its own questions (its directory is away) and never asks for the password that it is to be given.
class Prompt : public FaultTest, public testing::WithParamInterface<bool> {
 protected:
  Prompt() {
    scratch_.write("bin/sudo", "#!/bin/sh\ntrap '' TERM\nexec 3>&-\nsleep 300\n", true);
    Sshd::Setup setup;
    setup.lines = {
        fmt::format("SetEnv UPG_SUDO_SECONDS=2 SHLVL=3 PATH={}:/usr/bin:/bin UPG_STATE_DIR={} "
                    "UPG_SYSTEMD_DIR=/nonexistent",
                    scratch_.path("bin"), scratch_.path("hung.state"))};
    hung_ = std::make_unique<Sshd>(scratch_, "hung", authorized_, setup);
    known_ = hung_->known_hosts_line() + "\n";
  }
  std::unique_ptr<Sshd> hung_;
};
INSTANTIATE_TEST_SUITE_P(With, Prompt, testing::Values(false, true),
                         [](const auto &which) { return std::string(which.param ? "password" : "none"); });

TEST_P(Prompt, ThatNeverComesIsARefusalOfTheStepAndNothingIsStarted) {
  SshTransport transport(trusting(), {host(*hung_)});
  if (GetParam()) transport.set_sudo_password("open sesame");
  machine::Command command = step("k", words({"echo", "ran"}, 30'000));
  command.user = "postgres";
  const machine::Millis before = monotonic_now();
  const auto found = run(transport, HostId(0), command);
  EXPECT_EQ(found.outcome, Outcome::refused) << found.detail;
  EXPECT_TRUE(contains(found.detail, "sudo: no answer within 2 s")) << found.detail;
  EXPECT_LT(monotonic_now() - before, 20'000);
  EXPECT_EQ(run(transport, HostId(0), attach("k")).outcome, Outcome::absent);
}

TEST_P(Prompt, ThatNeverComesEndsAQuestionAtItsDeadline) {
  SshTransport transport(trusting(), {host(*hung_)});
  if (GetParam()) transport.set_sudo_password("open sesame");
  machine::Command command = words({"echo", "ran"}, 1'500);
  command.user = "postgres";
  const auto found = run(transport, HostId(0), command);
  EXPECT_EQ(found.outcome, Outcome::timed_out) << found.detail;
  EXPECT_TRUE(contains(found.detail, "started nothing within 1500 ms")) << found.detail;
  EXPECT_TRUE(found.out.empty());
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "other"})).out, "other\n");
}

}  // namespace
}  // namespace upg::transport::test
