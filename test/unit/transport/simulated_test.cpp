#include <gtest/gtest.h>

#include "runtime/transport/simulated/simulated_transport.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

/// Says its own words back; "reboot" does what it says; takes as long as its first environment value says.
struct Echo : HostModel {
  Reply answer(HostId, const machine::Command &command, machine::Millis) override {
    Reply reply;
    reply.takes = 1'000;
    for (const std::string &word : command.argv) reply.out += word;
    if (reply.out == "reboot") reply.reboot_after = 100;
    if (reply.out == "refuse") reply.refused = true;
    return reply;
  }
};

class Simulated : public testing::Test {
 protected:
  static machine::Command words(std::vector<std::string> argv, std::string step = "",
                                machine::Millis timeout = 10'000) {
    machine::Command command;
    command.argv = std::move(argv);
    command.step_key = std::move(step);
    command.timeout = timeout;
    return command;
  }
  static machine::Command attach(std::string step) {
    machine::Command command = words({}, std::move(step));
    command.attach_only = true;
    return command;
  }
  machine::Answer run(HostId host, machine::Command command) {
    transport_.start(++request_, host, std::move(command));
    std::vector<machine::Answer> answers;
    while (answers.empty()) transport_.wait(clock_.monotonic() + 100'000, answers, outputs_);
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].request, request_);
    return answers[0];
  }
  Echo model_;
  SimulatedHosts hosts_{model_};
  SimulatedClock clock_;
  SimulatedTransport transport_{hosts_, clock_};
  machine::RequestId request_ = 0;
  std::vector<machine::Output> outputs_;
};

TEST_F(Simulated, TimePassesOnlyInWait) {
  EXPECT_EQ(run(HostId(0), words({"a", "b"})).out, "ab");
  EXPECT_EQ(clock_.monotonic(), 1'001);
  std::vector<machine::Answer> answers;
  transport_.wait(5'000, answers, outputs_);
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(clock_.monotonic(), 5'000);
}

TEST_F(Simulated, AnswersComeInOrderOfTime) {
  transport_.start(1, HostId(0), words({"late"}));
  std::vector<machine::Answer> answers;
  transport_.wait(500, answers, outputs_);
  transport_.start(2, HostId(1), words({"x"}, "", 100));
  transport_.wait(100'000, answers, outputs_);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].request, 2u);
  EXPECT_EQ(answers[0].outcome, Outcome::timed_out);
  EXPECT_EQ(clock_.monotonic(), 600);
}

TEST_F(Simulated, AStepIsStartedOnceAndOutlivesTheTransport) {
  transport_.start(1, HostId(0), words({"step"}, "k"));
  transport_.cancel(1);
  std::vector<machine::Answer> cancelled;
  transport_.wait(std::nullopt, cancelled, outputs_);
  SimulatedTransport other(hosts_, clock_);
  other.start(2, HostId(0), attach("k"));
  other.start(3, HostId(0), words({"step"}, "k"));
  std::vector<machine::Answer> answers;
  while (answers.size() < 2) other.wait(100'000, answers, outputs_);
  EXPECT_EQ(answers[0].outcome, Outcome::running);
  EXPECT_EQ(answers[1].outcome, Outcome::exited);
  EXPECT_EQ(answers[1].out, "step");
  EXPECT_EQ(hosts_.started().size(), 1u);
  EXPECT_EQ(run(HostId(1), attach("k")).outcome, Outcome::absent);
}

TEST_F(Simulated, ARebootTakesWhatRuns) {
  EXPECT_EQ(hosts_.boot(HostId(0), clock_.monotonic()), 0u);
  EXPECT_EQ(run(HostId(0), words({"reboot"}, "k")).outcome, Outcome::lost);
  EXPECT_EQ(hosts_.boot(HostId(0), clock_.monotonic()), 1u);
  EXPECT_EQ(run(HostId(0), words({"x"})).outcome, Outcome::unreachable);
  clock_.advance_to(60'000);
  EXPECT_EQ(run(HostId(0), attach("k")).outcome, Outcome::vanished);
  EXPECT_EQ(run(HostId(0), words({"never"}, "k")).outcome, Outcome::vanished);
}

TEST_F(Simulated, ARefusalStartsNothing) {
  EXPECT_EQ(run(HostId(0), words({"refuse"}, "k")).outcome, Outcome::refused);
  EXPECT_EQ(run(HostId(0), attach("k")).outcome, Outcome::absent);
}

TEST_F(Simulated, DisconnectLosesWhatRuns) {
  transport_.start(1, HostId(0), words({"x"}));
  transport_.start(2, HostId(1), words({"y"}));
  transport_.disconnect(HostId(0));
  std::vector<machine::Answer> answers;
  transport_.wait(std::nullopt, answers, outputs_);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].outcome, Outcome::lost);
}

std::string history(std::uint64_t seed) {
  Echo model;
  SimulatedHosts hosts(model);
  SimulatedClock clock;
  SimulatedTransport transport(hosts, clock, seed,
                               {.delay = 200, .lost = 200, .timed_out = 100, .unreachable = 200, .reboot = 100});
  std::string text;
  std::vector<machine::Output> outputs;
  for (machine::RequestId i = 1; i <= 3000; ++i) {
    machine::Command command;
    command.argv = {"x"};
    command.timeout = 5'000;
    if (i % 2 == 0) command.step_key = "k" + std::to_string(i / 200);
    transport.start(i, HostId(i / 200 % 5), command);
    std::vector<machine::Answer> answers;
    while (answers.empty()) transport.wait(clock.monotonic() + 100'000, answers, outputs);
    EXPECT_EQ(answers.size(), 1u);
    text += std::to_string(clock.monotonic()) + name_of(answers[0].outcome) + " ";
  }
  return text;
}

TEST_F(Simulated, FaultsDependOnTheSeedAlone) {
  EXPECT_EQ(history(7), history(7));
  EXPECT_NE(history(7), history(8));
  const std::string text = history(9);
  for (const char *outcome : {"exited", "lost", "timed_out", "unreachable", "vanished"})
    EXPECT_NE(text.find(outcome), std::string::npos) << outcome;
}

}  // namespace
}  // namespace upg::transport::test
