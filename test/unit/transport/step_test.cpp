// Steps that outlive the connection, against a real sshd; what the host keeps of them.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/transport/shell.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

class Step : public SshTest, public testing::WithParamInterface<const char *> {
 protected:
  Step() {
    // Which shell /bin/sh is differs between hosts: the wrapper is run by the one under test.
    transport_ = connect({sshd_.get()});
  }
  bool local() const { return std::string(GetParam()) == "local"; }
  HostId where() const { return local() ? HostId() : HostId(0); }
  void SetUp() override {
    if (!local()) return;
    SshOptions with_state = options();
    with_state.state_directory = scratch_.path("sshd.state");
    transport_ = std::make_unique<SshTransport>(with_state, std::vector<SshHost>{host(*sshd_)});
    setenv("UPG_BOOT_ID_FILE", scratch_.path("boot_id").c_str(), 1);
  }
  void TearDown() override { unsetenv("UPG_BOOT_ID_FILE"); }
  machine::Answer run(machine::Command command) { return SshTest::run(*transport_, where(), std::move(command)); }
  std::string state(const std::string &key) const {
    return scratch_.path("sshd.state/steps/" + step_directory_name(key));
  }
  pid_t supervisor(const std::string &key) const { return std::atoi(read_file(state(key) + "/pid").c_str()); }
  /// Starts it without waiting for its end; it writes into the FIFO when it runs and goes on when it gets a line from
  /// the other.
  void begin(const std::string &key) {
    started_ = make_fifo(scratch_.path("started"));
    go_ = make_fifo(scratch_.path("go"));
    transport_->start(
        1000, where(),
        step(key, shell(fmt::format("echo before; echo x >{}; read line <{}; echo \"$line\"; exit 5", started_, go_))));
    std::vector<machine::Answer> answers;
    const Fd fd(open(started_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    char byte = 0;
    for (int i = 0; i < 500 && read(fd.get(), &byte, 1) != 1; ++i)
      transport_->wait(monotonic_now() + 20, answers, outputs_);
    ASSERT_EQ(byte, 'x');
    ASSERT_TRUE(answers.empty()) << answers[0].detail;
  }
  std::unique_ptr<SshTransport> transport_;
  std::string started_;
  std::string go_;
};

INSTANTIATE_TEST_SUITE_P(Where, Step, testing::Values("ssh", "local"),
                         [](const auto &which) { return std::string(which.param); });

TEST_P(Step, AnswersLikeACommand) {
  machine::Command command = step("upgrade:host0:1", shell("echo out; echo err >&2; cat; printf '%s' \"$A\"; exit 3"));
  command.input = "input\n";
  command.environment = {{"A", "a 'quoted' value"}};
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.out, "out\ninput\na 'quoted' value");
  EXPECT_EQ(answer.err, "err\n");
}

TEST_P(Step, TheSameKeyIsNeverRunTwice) {
  const std::string count = scratch_.path("count");
  const auto first = run(step("k", shell("echo x >>" + count + "; echo done")));
  const auto second = run(step("k", shell("echo x >>" + count + "; echo done")));
  EXPECT_EQ(first.out, "done\n");
  EXPECT_EQ(second.out, "done\n");
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(read_file(count), "x\n");
}

TEST_P(Step, ManyAtOnceWithOneKeyRunItOnce) {
  const std::string count = scratch_.path("count");
  for (machine::RequestId i = 1; i <= 8; ++i)
    transport_->start(i, where(), step("k", shell("echo x >>" + count + "; echo done; exit 2")));
  for (auto &[request, answer] : collect(*transport_, 8)) {
    EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
    EXPECT_EQ(answer.code, 2);
    EXPECT_EQ(answer.out, "done\n");
  }
  EXPECT_EQ(read_file(count), "x\n");
}

TEST_P(Step, HostileKeys) {
  for (const std::string &key : {std::string("../../etc/passwd"), std::string("a/b c'd\"$(id)\n"),
                                 std::string(300, 'k'), std::string("-rf"), std::string("."), std::string("é")}) {
    const auto answer = run(step(key, words({"echo", key})));
    EXPECT_EQ(answer.out, key + "\n") << answer.detail;
    EXPECT_EQ(read_file(state(key) + "/key"), key + "\n");
    EXPECT_EQ(run(attach(key)).outcome, Outcome::exited);
  }
  EXPECT_NE(step_directory_name("a/b"), step_directory_name("a:b"));
}

TEST_P(Step, BinaryOutputArrivesWhole) {
  const auto answer = run(step("k", shell("head -c 3000000 /dev/zero; printf 'end'; head -c 100000 /dev/zero >&2")));
  EXPECT_EQ(answer.out, std::string(3'000'000, '\0') + "end");
  EXPECT_EQ(answer.err.size(), 100'000u);
}

TEST_P(Step, OutputComesWhileItRuns) {
  begin("k");
  for (int i = 0; i < 200 && outputs_.empty(); ++i) {
    std::vector<machine::Answer> answers;
    transport_->wait(monotonic_now() + 50, answers, outputs_);
    ASSERT_TRUE(answers.empty());
  }
  ASSERT_FALSE(outputs_.empty());
  EXPECT_EQ(outputs_[0].bytes, "before\n");
  send_line(go_, "go");
  const auto answer = collect(*transport_, 1)[1000];
  EXPECT_EQ(answer.out, "before\ngo\n");
  EXPECT_EQ(answer.code, 5);
}

TEST_P(Step, AttachOnlyTellsWhatThereIs) {
  EXPECT_EQ(run(attach("k")).outcome, Outcome::absent);
  begin("k");
  EXPECT_EQ(run(attach("k")).outcome, Outcome::running);
  send_line(go_, "go");
  EXPECT_EQ(collect(*transport_, 1)[1000].code, 5);
  const auto answer = run(attach("k"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 5);
  EXPECT_EQ(answer.out, "before\ngo\n");
}

TEST_P(Step, ItGoesOnWhenTheConnectionBreaks) {
  begin("k");
  if (local()) {
    transport_.reset();
    SetUp();
  } else {
    transport_->disconnect(HostId(0));
    EXPECT_EQ(collect(*transport_, 1)[1000].outcome, Outcome::lost);
  }
  EXPECT_EQ(run(attach("k")).outcome, Outcome::running);
  transport_->start(1, where(), step("k", words({"echo", "never run"})));
  std::vector<machine::Answer> answers;
  transport_->wait(std::nullopt, answers, outputs_);
  send_line(go_, "go");
  const auto answer = collect(*transport_, 1)[1];
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.out, "before\ngo\n");
  EXPECT_EQ(answer.code, 5);
}

TEST_P(Step, ItGoesOnWhenItsDeadlinePasses) {
  const std::string fifo = make_fifo(scratch_.path("fifo"));
  const auto answer = run(step("k", shell("read line <" + fifo + "; echo \"$line\"", 1'000)));
  EXPECT_EQ(answer.outcome, Outcome::timed_out);
  EXPECT_EQ(run(attach("k")).outcome, Outcome::running);
  send_line(fifo, "late");
  EXPECT_EQ(run(step("k", words({"false"}))).out, "late\n");
}

TEST_P(Step, KilledWithItsSupervisorItHasVanished) {
  begin("k");
  kill(-supervisor("k"), SIGKILL);
  const auto waiting = collect(*transport_, 1)[1000];
  EXPECT_EQ(waiting.outcome, Outcome::vanished) << waiting.detail;
  EXPECT_EQ(waiting.out, "before\n");
  EXPECT_EQ(run(attach("k")).outcome, Outcome::vanished);
  EXPECT_EQ(run(step("k", words({"echo", "never"}))).outcome, Outcome::vanished);
}

TEST_P(Step, AfterARebootItHasVanished) {
  begin("k");
  transport_->cancel(1000);
  collect(*transport_, 1);
  const std::string boot = scratch_.write("boot_id", "boot-2\n");
  // Its pid is there, but of another boot.
  EXPECT_EQ(run(attach("k")).outcome, Outcome::vanished);
  kill(-supervisor("k"), SIGKILL);
}

TEST_P(Step, AReusedPidIsNotTheStep) {
  begin("k");
  transport_->cancel(1000);
  collect(*transport_, 1);
  kill(-supervisor("k"), SIGKILL);
  // Our own pid, which is alive, with the start time of the dead one.
  std::string text = read_file(state("k") + "/pid");
  text = std::to_string(getpid()) + text.substr(text.find(' '));
  scratch_.write("sshd.state/steps/" + step_directory_name("k") + "/pid", text);
  EXPECT_EQ(run(attach("k")).outcome, Outcome::vanished);
}

TEST_P(Step, AClaimWithoutAStartHasVanished) {
  // The one that claimed it died before it could start it: nobody knows, so it is not run again.
  const std::string name = "sshd.state/steps/" + step_directory_name("k");
  scratch_.write(name + "/claim", "999999999 12345 boot-1\n");
  EXPECT_EQ(run(attach("k")).outcome, Outcome::vanished);
  EXPECT_EQ(run(step("k", words({"echo", "never"}))).outcome, Outcome::vanished);
}

TEST_P(Step, WhatItStartsMayStayWithoutHoldingItUp) {
  const machine::Millis before = monotonic_now();
  const auto answer = run(step("k", shell("sleep 60 & echo $!")));
  EXPECT_EQ(answer.outcome, Outcome::exited);
  EXPECT_LT(monotonic_now() - before, 10'000);
  kill(std::atoi(answer.out.c_str()), SIGKILL);
}

TEST_P(Step, AnUnwritableStateIsARefusalAndNothingRuns) {
  if (getuid() == 0)
    scratch_.write("sshd.state", "a file in the way");
  else
    std::filesystem::create_directories(scratch_.path("sshd.state")),
        std::filesystem::permissions(scratch_.path("sshd.state"), std::filesystem::perms::none);
  const auto answer = run(step("k", shell("echo x >" + scratch_.path("ran"))));
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_NE(answer.detail.find("cannot create"), std::string::npos) << answer.detail;
  EXPECT_FALSE(std::filesystem::exists(scratch_.path("ran")));
}

TEST_P(Step, ForgettingMakesItAbsent) {
  run(step("k", words({"true"})));
  const std::string directory = local() ? scratch_.path("sshd.state") : "";
  EXPECT_EQ(run(forget_step("k", 10'000, directory)).code, 0);
  EXPECT_EQ(run(attach("k")).outcome, Outcome::absent);
  EXPECT_EQ(run(forget_step("k", 10'000, directory)).code, 0);
  begin("k");
  EXPECT_EQ(run(forget_step("k", 10'000, directory)).code, 3);
  send_line(go_, "go");
  EXPECT_EQ(collect(*transport_, 1)[1000].code, 5);
}

TEST_P(Step, StateIsForItsOwnerOnlyAndTheCommandHasItsUsualUmask) {
  const auto direct = run(shell("umask"));
  EXPECT_EQ(run(step("k", shell("umask"))).out, direct.out);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(state("k")).permissions()) & 0777u, 0700u);
}

TEST_P(Step, SurvivesTheDeathOfTheController) {
  if (local()) GTEST_SKIP() << "the ssh case says it all";
  const std::string started = make_fifo(scratch_.path("started"));
  const std::string go = make_fifo(scratch_.path("go"));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SshTransport other(options(), {host(*sshd_)});
    other.start(1, HostId(0),
                step("k", shell(fmt::format("echo x >{}; read line <{}; echo \"$line\"; exit 6", started, go))));
    std::vector<machine::Answer> answers;
    std::vector<machine::Output> outputs;
    while (answers.empty()) other.wait(monotonic_now() + 1000, answers, outputs);
    _exit(0);
  }
  EXPECT_EQ(await_line(started), "x");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(run(attach("k")).outcome, Outcome::running);
  send_line(go, "after");
  const auto answer = run(step("k", words({"false"})));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.out, "after\n");
  EXPECT_EQ(answer.code, 6);
}

class StepSudo : public Step {
 protected:
  void install(const std::string &password) {
    scratch_.write("password", password + "\n");
    scratch_.write("bin/sudo", "#!/bin/sh\nhere=" + scratch_.path() + R"(
echo "sudo $*" >>"$here/sudo.log"
mode=
while [ $# -gt 0 ]; do
  case $1 in
    -n) mode=n ;; -S) mode=S ;; -k) ;; -p) shift ;; -u) user=$2; shift ;; --) shift; break ;; *) break ;;
  esac
  shift
done
read -r wanted <"$here/password"
if [ "$wanted" ]; then
  [ "$mode" = S ] || { echo 'sudo: a password is required' >&2; exit 1; }
  IFS= read -r given || { echo 'sudo: no password was provided' >&2; exit 1; }
  [ "$given" = "$wanted" ] || { echo "bad password" >>"$here/bad.log"; echo 'Sorry, try again.' >&2; exit 1; }
fi
BY_SUDO=$user exec "$@"
)",
                   true);
  }
};
INSTANTIATE_TEST_SUITE_P(Where, StepSudo, testing::Values("ssh"),
                         [](const auto &which) { return std::string(which.param); });

TEST_P(StepSudo, RunsTheCommandAsTheUserAndKeepsTheState) {
  install("");
  machine::Command command = step("k", shell("echo $BY_SUDO; cat"));
  command.user = "postgres";
  command.input = "input\n";
  EXPECT_EQ(run(command).out, "postgres\ninput\n");
}

TEST_P(StepSudo, WithAPasswordThatIsWrittenNowhere) {
  install("open sesame");
  transport_->set_sudo_password("open sesame");
  machine::Command command = step("k", shell("echo $BY_SUDO; cat"));
  command.user = "postgres";
  command.input = "line 1\nline 2";
  const auto answer = run(command);
  EXPECT_EQ(answer.out, "postgres\nline 1\nline 2") << answer.detail << answer.err;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(scratch_.path("sshd.state"))) {
    EXPECT_EQ(read_file(entry.path()).find("sesame"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(read_file(scratch_.path("sudo.log")).find("sesame"), std::string::npos);
}

TEST_P(StepSudo, APasswordThatIsNotAskedForIsNoInput) {
  install("");
  transport_->set_sudo_password("open sesame");
  machine::Command command = step("k", words({"cat"}));
  command.user = "root";
  command.input = "the input\n";
  EXPECT_EQ(run(command).out, "the input\n");
}

TEST_P(StepSudo, ARefusalTakesTheClaimBack) {
  install("open sesame");
  machine::Command command = step("k", words({"echo", "ran"}));
  command.user = "root";
  const auto without = run(command);
  EXPECT_EQ(without.outcome, Outcome::refused);
  EXPECT_NE(without.detail.find("a password is required"), std::string::npos) << without.detail;
  EXPECT_EQ(run(attach("k")).outcome, Outcome::absent);
  transport_->set_sudo_password("wrong");
  EXPECT_EQ(run(command).outcome, Outcome::refused);
  EXPECT_EQ(read_file(scratch_.path("bad.log")), "bad password\n");
  transport_->set_sudo_password("open sesame");
  EXPECT_EQ(run(command).out, "ran\n");
}

}  // namespace
}  // namespace upg::transport::test
