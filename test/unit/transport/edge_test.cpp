// What goes wrong with commands in real life, over a real sshd: as a question, and as a step that outlives the
// connection. Both report the same.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/transport/shell.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

class Edge : public SshTest, public testing::WithParamInterface<const char *> {
 protected:
  Edge() { transport_ = connect({sshd_.get()}); }
  bool step() const { return std::string(GetParam()) == "step"; }
  machine::Answer run(machine::Command command) {
    if (step()) command.step_key = fmt::format("run/host/{}", ++steps_);
    return SshTest::run(*transport_, HostId(0), std::move(command));
  }
  std::unique_ptr<SshTransport> transport_;
  int steps_ = 0;
};

INSTANTIATE_TEST_SUITE_P(As, Edge, testing::Values("question", "step"),
                         [](const auto &which) { return std::string(which.param); });

TEST_P(Edge, ExitStatus255) {
  const auto answer = run(shell("exit 255"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 255);
}

TEST_P(Edge, DeathBySignal) {
  for (const int signal : {SIGKILL, SIGTERM, SIGSEGV}) {
    const auto answer = run(shell(fmt::format("ulimit -c 0; echo before; kill -{} $$; sleep 30", signal)));
    EXPECT_EQ(answer.out, "before\n");
    EXPECT_EQ(answer.outcome, Outcome::signaled) << answer.detail;
    EXPECT_EQ(answer.signal, signal);
  }
}

/// What only looks like it.
TEST_P(Edge, TheStatusThatAShellGivesForASignal) {
  const auto answer = run(shell("echo Killed >&2; exit 137"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 137);
}

TEST_P(Edge, HundredMegabytesWithoutANewline) {
  machine::Command command = shell("head -c 100000000 /dev/zero | tr '\\0' x; echo y >&2; exit 4", 120'000);
  command.output_limit = 1'000'000;
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 4);
  EXPECT_EQ(answer.out_bytes, 100'000'000u);
  EXPECT_EQ(answer.out.size(), 1'000'000u);
  EXPECT_EQ(answer.out.find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(answer.err, "y\n");
}

TEST_P(Edge, NulBytes) {
  const auto answer = run(shell("printf 'a\\000b\\000'; printf '\\000' >&2"));
  EXPECT_EQ(answer.code, 0);
  EXPECT_EQ(answer.out, std::string("a\0b\0", 4));
  EXPECT_EQ(answer.err, std::string("\0", 1));
}

TEST_P(Edge, ABannerOfTheLoginShell) {
  const std::string home = scratch_.path("home");
  scratch_.write("home/.bashrc",
                 "echo; echo '*** authorised use only ***'; echo noise >&2; printf 'upg-end-x:exited 0'\n");
  Sshd::Setup setup;
  setup.lines = {fmt::format("SetEnv HOME={} SHLVL=0 UPG_SYSTEMD_DIR=/nonexistent UPG_STATE_DIR={}", home,
                             scratch_.path("loud.state"))};
  const Sshd loud(scratch_, "loud", authorized_, setup);
  auto trusted = options();
  trusted.known_hosts = {scratch_.write("known.loud", loud.known_hosts_line() + "\n")};
  SshTransport transport(trusted, {host(loud)});
  machine::Command command = shell("echo out; echo err >&2; exit 3");
  if (step()) command.step_key = "k";
  const auto answer = SshTest::run(transport, HostId(0), command);
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.out, "out\n");
  EXPECT_NE(answer.err.find("err\n"), std::string::npos);
  if (answer.detail.find("authorised use only") == std::string::npos)
    GTEST_SKIP() << "the login shell here reads no .bashrc";
}

TEST_P(Edge, ABackgroundChildThatHoldsStdout) {
  const machine::Millis before = monotonic_now();
  const auto answer = run(shell("sleep 300 & echo $!; exit 6"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 6);
  EXPECT_LT(monotonic_now() - before, 20'000);
  const pid_t child = std::atoi(answer.out.c_str());
  ASSERT_GT(child, 1);
  EXPECT_EQ(kill(child, SIGKILL), 0);  // it is not ended with the command
}

TEST_P(Edge, ACommandThatReadsItsInput) {
  const auto none = run(shell("read line; echo \"$? got <$line>\""));
  EXPECT_EQ(none.out, "1 got <>\n");
  machine::Command command = shell("read line; echo \"got <$line>\"; cat | wc -c");
  command.input = "first\n" + std::string(200'000, 'z');
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.out, "got <first>\n200000\n");
}

/// The supervisor of a step is killed and its command is not: it is still under way, and gone only when that is gone.
TEST_P(Edge, WhatLosesItsSupervisorIsStillUnderWay) {
  if (!step()) GTEST_SKIP() << "a question has none";
  const std::string started = make_fifo(scratch_.path("started"));
  const std::string go = make_fifo(scratch_.path("go"));
  machine::Command command = shell(fmt::format("echo x >{}; read line <{}; echo \"$line\"", started, go));
  command.step_key = "k";
  transport_->start(1000, HostId(0), command);
  const Fd fd(open(started.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  std::vector<machine::Answer> answers;
  char byte = 0;
  for (int i = 0; i < 1000 && read(fd.get(), &byte, 1) != 1; ++i)
    transport_->wait(monotonic_now() + 20, answers, outputs_);
  ASSERT_EQ(byte, 'x');
  const std::string folder = scratch_.path("sshd.state/steps/" + step_directory_name("k"));
  ASSERT_EQ(kill(std::atoi(read_file(folder + "/pid").c_str()), SIGKILL), 0);
  command.attach_only = true;
  EXPECT_EQ(SshTest::run(*transport_, HostId(0), command).outcome, Outcome::running);
  send_line(go, "end");
  EXPECT_EQ(collect(*transport_, 1)[1000].outcome, Outcome::vanished);
  EXPECT_EQ(read_file(folder + "/out"), "end\n");
}

}  // namespace
}  // namespace upg::transport::test
