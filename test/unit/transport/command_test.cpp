// Questions over a real sshd and on the controller itself: the same promises for both.
#include <signal.h>

#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;

class Command : public SshTest, public testing::WithParamInterface<bool> {
 protected:
  Command() : transport_(connect({sshd_.get()})) {
    if (!GetParam()) {
      path_ = getenv("PATH");
      setenv("PATH", (scratch_.path("bin") + ":/usr/bin:/bin").c_str(), 1);
    }
  }
  ~Command() override {
    if (!path_.empty()) setenv("PATH", path_.c_str(), 1);
  }
  machine::Answer run(machine::Command command) {
    return SshTest::run(*transport_, GetParam() ? plan::HostId(0) : plan::HostId(), std::move(command));
  }
  /// A sudo that asks for a password if `password` is not empty, and notes what it was called with.
  void install_sudo(const std::string &password) {
    scratch_.write("password", password + "\n");
    scratch_.write("bin/sudo", "#!/bin/sh\nhere=" + scratch_.path() + R"(
mode= prompt='Password: ' user=root
echo "sudo $*" >>"$here/sudo.log"
while [ $# -gt 0 ]; do
  case $1 in
    -n) mode=n ;; -S) mode=S ;; -k) ;; -p) prompt=$2; shift ;; -u) user=$2; shift ;; --) shift; break ;; *) break ;;
  esac
  shift
done
read -r wanted <"$here/password"
if [ "$wanted" ]; then
  [ "$mode" = S ] || { echo 'sudo: a password is required' >&2; exit 1; }
  for try in 1 2 3; do
    printf '%s' "$prompt" >&2
    IFS= read -r given || { echo 'sudo: no password was provided' >&2; exit 1; }
    [ "$given" = "$wanted" ] && break
    echo 'Sorry, try again.' >&2
    [ $try = 3 ] && { echo 'sudo: 3 incorrect password attempts' >&2; exit 1; }
  done
fi
SUDO_USER_IS=$user exec "$@"
)",
                   true);
  }
  std::unique_ptr<SshTransport> transport_;
  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Where, Command, testing::Values(true, false),
                         [](const auto &which) { return which.param ? "ssh" : "local"; });

TEST_P(Command, KeepsStatusAndBothStreamsApart) {
  const auto answer = run(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.out, "out\n");
  EXPECT_EQ(answer.err, "err\n");
}

TEST_P(Command, ExitStatus255IsAnExitStatus) {
  const auto answer = run(shell("exit 255"));
  EXPECT_EQ(answer.outcome, Outcome::exited);
  EXPECT_EQ(answer.code, 255);
}

TEST_P(Command, ASignalIsReported) {
  const auto answer = run(shell("kill -TERM $$"));
  EXPECT_EQ(answer.outcome, Outcome::signaled) << answer.detail;
  EXPECT_EQ(answer.signal, SIGTERM);
}

TEST_P(Command, AMissingProgramIsExitStatus127) {
  const auto answer = run(words({"no-such-program-here"}));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.code, 127);
}

TEST_P(Command, HostileWordsArriveAsTheyAre) {
  const std::vector<std::string> hostile = {"a'b", "$(id)",   "`id`", "a\nb",  "",         "*",
                                            "\\n", "--",      "é",    "$HOME", "!x",       "~",
                                            "a;b", "'\\''\"", "\t",   "|&<>",  "\x01\x7f", "{a,b}"};
  std::vector<std::string> argv = {"printf", "[%s]"};
  argv.insert(argv.end(), hostile.begin(), hostile.end());
  std::string wanted;
  for (const std::string &word : hostile) wanted += "[" + word + "]";
  const auto answer = run(words(argv));
  EXPECT_EQ(answer.out, wanted) << answer.err;
}

TEST_P(Command, ScriptsMayHoldAnyQuoting) {
  const auto answer = run(shell("x='it'\\''s'; echo \"$x\" | sed 's/t/T/'\nprintf '%s\\n' \"a  b\""));
  EXPECT_EQ(answer.out, "iT's\na  b\n") << answer.err;
}

TEST_P(Command, EnvironmentIsGiven) {
  machine::Command command = shell("printf '%s|%s' \"$A\" \"$B\"");
  command.environment = {{"A", "x y'z$(id)"}, {"B", ""}};
  EXPECT_EQ(run(command).out, "x y'z$(id)|");
}

TEST_P(Command, ASecretEnvironmentIsInNobodysArguments) {
  const std::string secret = "x y'z$(id)\nsecond 'line'\\";
  // what a neighbour on the host sees: the arguments of the command's shell and of every shell it came through
  machine::Command command = shell(
      "cat; printf '|%s|' \"$TOKEN\"; for p in $$ $PPID $(ps -o ppid= -p $PPID); do tr '\\0' ' ' </proc/$p/cmdline; "
      "done");
  command.environment = {{"TOKEN", secret}, {"OTHER", "plain"}};
  command.input = "its own input";
  command.secret = true;
  const auto answer = run(command);
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_TRUE(answer.out.starts_with("its own input|" + secret + "|")) << answer.out;
  EXPECT_EQ(answer.out.find("x y", 14 + secret.size()), std::string::npos) << answer.out;
  EXPECT_NE(answer.out.find("TOKEN"), std::string::npos) << "the arguments are seen";
  command.environment[0].first = "NO-VARIABLE";
  EXPECT_EQ(run(command).outcome, Outcome::refused);
}

TEST_P(Command, AProgramNamedLikeAnAssignmentIsStillAProgram) {
  scratch_.write("bin/a=b", "#!/bin/sh\necho ran \"$1\"\n", true);
  machine::Command command = words({"a=b", "x y"});
  command.environment = {{"A", "1"}};
  EXPECT_EQ(run(command).out, "ran x y\n");
}

TEST_P(Command, InputIsFedAndClosed) {
  machine::Command command = words({"cat"});
  for (int i = 0; i < 100'000; ++i) command.input += "line of input\n";
  command.input += '\0';
  const auto answer = run(command);
  EXPECT_EQ(answer.out.size(), command.input.size());
  EXPECT_TRUE(answer.out == command.input);
}

TEST_P(Command, UnreadInputDoesNotHang) {
  machine::Command command = words({"true"});
  command.input.assign(1 << 20, 'x');
  EXPECT_EQ(run(command).outcome, Outcome::exited);
}

TEST_P(Command, AnEmptyInputIsAnEndOfFile) { EXPECT_EQ(run(words({"cat"}, 5'000)).outcome, Outcome::exited); }

TEST_P(Command, OutputOverTheLimitIsCountedAndNotKept) {
  machine::Command command = words({"head", "-c", "50000000", "/dev/zero"});
  command.output_limit = 1000;
  const auto answer = run(command);
  EXPECT_EQ(answer.out.size(), 1000u);
  EXPECT_EQ(answer.out_bytes, 50'000'000u);
  std::size_t streamed = 0;
  for (const machine::Output &output : outputs_) streamed += output.bytes.size();
  EXPECT_EQ(streamed, 1000u);
}

TEST_P(Command, OutputIsStreamedBeforeTheEnd) {
  const std::string fifo = make_fifo(scratch_.path("go"));
  transport_->start(1, GetParam() ? plan::HostId(0) : plan::HostId(),
                    shell("echo first; read x <" + fifo + "; echo $x"));
  std::vector<machine::Answer> answers;
  while (outputs_.empty() && answers.empty()) transport_->wait(monotonic_now() + 20'000, answers, outputs_);
  ASSERT_FALSE(outputs_.empty());
  EXPECT_EQ(outputs_.front().bytes, "first\n");
  EXPECT_TRUE(answers.empty());
  send_line(fifo, "second");
  EXPECT_EQ(collect(*transport_, 1)[1].out, "first\nsecond\n");
}

TEST_P(Command, ADeadlineEndsTheProcessOnItsHostToo) {
  const std::string fifo = make_fifo(scratch_.path("ended"));
  const auto answer = run(shell("trap 'echo TERM >" + fifo + "; exit' TERM; sleep 60 & wait", 1'500));
  EXPECT_EQ(answer.outcome, Outcome::timed_out);
  // The order to end it is still to be sent.
  std::vector<machine::Answer> none;
  transport_->start(99, plan::HostId(), words({"true"}));
  for (int turn = 0; turn < 20; ++turn) transport_->wait(monotonic_now() + 50, none, outputs_);
  EXPECT_EQ(await_line(fifo), "TERM");
}

TEST_P(Command, CancelAnswersOnce) {
  transport_->start(5, GetParam() ? plan::HostId(0) : plan::HostId(), words({"sleep", "60"}));
  std::vector<machine::Answer> answers;
  transport_->wait(std::nullopt, answers, outputs_);
  transport_->cancel(5);
  transport_->cancel(5);
  EXPECT_EQ(collect(*transport_, 1)[5].outcome, Outcome::cancelled);
  transport_->wait(monotonic_now() + 50, answers, outputs_);
  EXPECT_TRUE(answers.empty());
}

TEST_P(Command, OutputOfADaemonDoesNotHoldTheAnswerBack) {
  const machine::Millis before = monotonic_now();
  const auto answer = run(shell("sleep 30 & echo $!"));
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_LT(monotonic_now() - before, 10'000);
  run(shell("kill " + answer.out));
}

TEST_P(Command, SudoWithoutPassword) {
  install_sudo("");
  machine::Command command = shell("echo \"$SUDO_USER_IS $A\"; cat");
  command.user = "postgres";
  command.environment = {{"A", "env"}};
  command.input = "input";
  EXPECT_EQ(run(command).out, "postgres env\ninput");
}

/// The real one, where it asks for nothing: who the command runs as, as a question and as a step.
TEST_P(Command, TheRealSudo) {
  if (std::system("sudo -n -u nobody true >/dev/null 2>&1") != 0) GTEST_SKIP() << "no sudo without a password here";
  for (const char *key : {"", "run1/real-sudo"}) {
    machine::Command command = shell("id -un; echo \"$A\"; cat");
    command.user = "nobody";
    command.environment = {{"A", "env"}};
    command.input = "input";
    command.step_key = key;
    const auto answer = run(command);
    EXPECT_EQ(answer.outcome, Outcome::exited) << key << ": " << answer.detail;
    EXPECT_EQ(answer.out, "nobody\nenv\ninput") << answer.err;
  }
}

TEST_P(Command, SudoThatWantsAPasswordIsARefusal) {
  install_sudo("open sesame");
  machine::Command command = shell("echo ran");
  command.user = "root";
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_NE(answer.detail.find("a password is required"), std::string::npos) << answer.detail;
}

TEST_P(Command, SudoWithPassword) {
  install_sudo("open sesame");
  transport_->set_sudo_password("open sesame");
  machine::Command command = shell("cat; echo err >&2");
  command.user = "root";
  command.input = "the input\n";
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::exited) << answer.detail;
  EXPECT_EQ(answer.out, "the input\n");
  EXPECT_EQ(answer.err, "err\n");
  EXPECT_EQ(read_file(scratch_.path("sudo.log")).find("sesame"), std::string::npos);
}

TEST_P(Command, APasswordThatIsNotAskedForIsNotGiven) {
  install_sudo("");
  transport_->set_sudo_password("open sesame");
  machine::Command command = words({"cat"});
  command.user = "root";
  command.input = "the input\n";
  EXPECT_EQ(run(command).out, "the input\n");
}

TEST_P(Command, AWrongPasswordIsTriedOnce) {
  install_sudo("open sesame");
  transport_->set_sudo_password("wrong");
  machine::Command command = shell("echo ran");
  command.user = "root";
  command.input = "not a password\n";
  const auto answer = run(command);
  EXPECT_EQ(answer.outcome, Outcome::refused);
  EXPECT_NE(answer.detail.find("password"), std::string::npos) << answer.detail;
  EXPECT_EQ(answer.out, "");
  EXPECT_EQ(answer.detail.find("wrong"), std::string::npos);
}

TEST_P(Command, ANulByteInACommandIsRefused) {
  EXPECT_EQ(run(words({"echo", std::string("a\0b", 3)})).outcome, Outcome::refused);
  EXPECT_EQ(run(words({})).outcome, Outcome::refused);
  EXPECT_EQ(run(shell(std::string(200'000, ' ') + "true")).outcome, Outcome::refused);
}

TEST_P(Command, LongScriptsPass) {
  std::string script = "x=1\n";
  while (script.size() < 60'000) script += "x=$((x + 1)) # some comment to make it longer\n";
  EXPECT_EQ(run(shell(script + "echo done")).out, "done\n");
}

}  // namespace
}  // namespace upg::transport::test
