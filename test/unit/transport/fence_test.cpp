// Locks and fencing tokens on a host, through a real sshd: who may claim a step.
#include <fmt/format.h>

#include "runtime/machine/lock.h"
#include "runtime/transport/shell.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::LockAct;
using machine::LockLine;
using machine::Outcome;
using plan::HostId;

class Fence : public SshTest {
 protected:
  Fence() { transport_ = connect({sshd_.get()}); }
  static std::shared_ptr<machine::Lock> lock(std::uint64_t token, const std::string &run,
                                             const std::string &owner = "me") {
    auto l = std::make_shared<machine::Lock>();
    l->names = {"cluster:lab", "name:a b'c"};
    l->token = token;
    l->run = run;
    l->owner = owner;
    l->plan = "plan";
    l->since_unix_s = 1'700'000'000;
    return l;
  }
  static machine::Command change(LockAct act, std::shared_ptr<machine::Lock> of, std::int64_t lease_s = 60) {
    machine::Command command;
    command.lock = std::move(of);
    command.lock_act = act;
    command.lease_s = lease_s;
    command.timeout = 20'000;
    return command;
  }
  machine::Answer act(LockAct what, std::shared_ptr<machine::Lock> of, std::int64_t lease_s = 60) {
    return run(*transport_, HostId(0), change(what, std::move(of), lease_s));
  }
  LockLine look() {
    const auto answer = act(LockAct::look, lock(0, "-"));
    EXPECT_EQ(answer.code, 0) << answer.err;
    const auto lines = machine::read_lock_lines(answer.out, 2);
    EXPECT_TRUE(lines) << answer.out;
    return lines ? lines->front() : LockLine();
  }
  machine::Answer claim(const std::string &key, std::shared_ptr<machine::Lock> under) {
    machine::Command command = shell("echo " + key + " >>" + scratch_.path("ledger") + "; echo done");
    command.step_key = key;
    command.lock = std::move(under);
    return run(*transport_, HostId(0), command);
  }
  std::string ledger() const { return read_file(scratch_.path("ledger")); }
  std::unique_ptr<SshTransport> transport_;
};

TEST_F(Fence, ALockIsTakenKeptAndGivenUp) {
  EXPECT_EQ(look().token, 0u);
  EXPECT_FALSE(std::filesystem::exists(scratch_.path("sshd.state")));  // looking makes nothing
  EXPECT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  LockLine line = look();
  EXPECT_EQ(line.state, LockLine::State::held);
  EXPECT_EQ(line.run, "r1");
  EXPECT_EQ(line.since_unix_s, 1'700'000'000);
  EXPECT_GT(line.lease_s, 50);
  EXPECT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);  // the answer was lost
  const auto refused = act(LockAct::take, lock(2, "r2"));
  EXPECT_EQ(refused.code, machine::lock_is_anothers);
  EXPECT_EQ(machine::read_lock_lines(refused.out, 2)->front().run, "r1");
  EXPECT_EQ(act(LockAct::rest, lock(1, "r1")).code, 0);
  EXPECT_EQ(look().lease_s, 0);
  EXPECT_EQ(act(LockAct::take, lock(2, "r2")).code, machine::lock_is_anothers);  // the run has it, not its controller
  EXPECT_EQ(act(LockAct::take, lock(2, "r1", "other")).code, 0);
  EXPECT_EQ(act(LockAct::free, lock(2, "r1")).code, 0);
  EXPECT_EQ(look().state, LockLine::State::free);
  EXPECT_EQ(look().token, 2u);
  EXPECT_EQ(act(LockAct::take, lock(2, "r2")).code, machine::lock_is_anothers);  // a token is given out once
  EXPECT_EQ(act(LockAct::take, lock(3, "r2")).code, 0);
}

TEST_F(Fence, AnOldTokenStartsNothing) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  EXPECT_EQ(claim("r1/h/1", lock(1, "r1")).outcome, Outcome::exited);
  ASSERT_EQ(act(LockAct::take, lock(2, "r1", "other")).code, 0);
  const auto late = claim("r1/h/2", lock(1, "r1"));
  EXPECT_EQ(late.outcome, Outcome::fenced);
  EXPECT_EQ(machine::read_lock_lines(late.out, 1)->front().owner, "other") << late.out;
  EXPECT_EQ(claim("r1/h/1", lock(1, "r1")).outcome, Outcome::fenced);
  EXPECT_EQ(act(LockAct::renew, lock(1, "r1")).code, machine::lock_is_anothers);
  EXPECT_EQ(act(LockAct::free, lock(1, "r1")).code, 0);  // not its own any more: nothing happens
  EXPECT_EQ(look().state, LockLine::State::held);
  EXPECT_EQ(claim("r1/h/1", lock(2, "r1", "other")).out, "done\n");  // attaches
  EXPECT_EQ(claim("r1/h/2", lock(2, "r1", "other")).out, "done\n");
  EXPECT_EQ(ledger(), "r1/h/1\nr1/h/2\n");
}

TEST_F(Fence, AClaimRaisesTheTokenOfAHostThatMissedTheTakeover) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  EXPECT_EQ(claim("r1/h/1", lock(5, "r1", "other")).outcome, Outcome::exited);
  EXPECT_EQ(look().token, 5u);
  EXPECT_EQ(claim("r1/h/2", lock(1, "r1")).outcome, Outcome::fenced);
}

TEST_F(Fence, OneOfManyThatComeAtOnceGetsIt) {
  for (machine::RequestId i = 1; i <= 8; ++i)
    transport_->start(i, HostId(0), change(LockAct::take, lock(1, fmt::format("r{}", i))));
  int won = 0;
  for (auto &[request, answer] : collect(*transport_, 8)) {
    ASSERT_EQ(answer.outcome, Outcome::exited) << answer.detail;
    EXPECT_TRUE(answer.code == 0 || answer.code == machine::lock_is_anothers) << answer.err;
    won += answer.code == 0;
  }
  EXPECT_EQ(won, 1);
}

/// Claims of an old controller race with the takeover: each is either there when the new one looks, or refused.
TEST_F(Fence, ATakeoverAndClaimsThatRaceWithIt) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  for (machine::RequestId i = 1; i <= 9; ++i) {
    if (i == 5) {
      transport_->start(i, HostId(0), change(LockAct::take, lock(2, "r1", "other")));
      continue;
    }
    machine::Command command = shell("echo x");
    command.step_key = fmt::format("r1/h/{}", i);
    command.lock = lock(1, "r1");
    transport_->start(i, HostId(0), command);
  }
  auto answers = collect(*transport_, 9);
  EXPECT_EQ(answers[5].code, 0);
  for (machine::RequestId i = 1; i <= 9; ++i) {
    if (i == 5) continue;
    machine::Command attach;
    attach.step_key = fmt::format("r1/h/{}", i);
    attach.attach_only = true;
    attach.timeout = 20'000;
    const Outcome known = run(*transport_, HostId(0), attach).outcome;
    if (answers[i].outcome == Outcome::fenced)
      EXPECT_EQ(known, Outcome::absent);
    else
      EXPECT_EQ(known, Outcome::exited);
  }
}

TEST_F(Fence, OnlyADeadOwnersLockIsBrokenUnasked) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  EXPECT_EQ(act(LockAct::breaks, lock(0, "r1")).code, machine::lock_is_alive);
  EXPECT_EQ(act(LockAct::breaks, lock(0, "r2")).code, 0);  // has nothing here
  EXPECT_EQ(look().token, 1u);
  EXPECT_EQ(act(LockAct::breaks_alive, lock(0, "r1")).code, 0);
  EXPECT_EQ(look().state, LockLine::State::broken);
  EXPECT_EQ(claim("r1/h/1", lock(1, "r1")).outcome, Outcome::fenced);
  ASSERT_EQ(act(LockAct::take, lock(3, "r1"), 0).code, 0);  // a lease that is over at once
  EXPECT_EQ(act(LockAct::breaks, lock(0, "r1")).code, 0);
}

TEST_F(Fence, ALeaseOfAnotherBootCountsFromItsBeginning) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1"), 1'000'000'000).code, 0);
  scratch_.write("boot_id", "boot-2\n");
  EXPECT_GT(look().lease_s, 0);
  ASSERT_EQ(act(LockAct::renew, lock(1, "r1"), 1).code, 0);
  scratch_.write("boot_id", "boot-3\n");
  EXPECT_EQ(look().lease_s, 0);
}

TEST_F(Fence, ALockThatCannotBeReadOrWrittenRefuses) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  const std::string file = "sshd.state/locks/" + step_directory_name("cluster:lab") + "/lock";
  for (const char *text : {"", "x", "1", "99999999999999999999 held r1 1 me plan", "1 held r1 1 me"}) {
    scratch_.write(file, text);
    const auto answer = act(LockAct::take, lock(9, "r1"));
    EXPECT_EQ(answer.code, 3) << text;
    EXPECT_NE(answer.err.find("cannot be read"), std::string::npos) << answer.err;
    const auto step = claim("r1/h/1", lock(9, "r1"));
    EXPECT_EQ(step.outcome, Outcome::refused) << text;
    EXPECT_NE(step.detail.find("cannot be read"), std::string::npos) << step.detail;
  }
  EXPECT_EQ(ledger(), "");
}

TEST_F(Fence, WithoutFlockNothingIsClaimed) {
  for (const char *program :
       {"sh", "mkdir", "cat", "rm", "mv", "sync", "stat", "tail", "head", "timeout", "sleep", "setsid"})
    std::filesystem::create_symlink(std::string("/bin/") + program, scratch_.path("bin") + "/" + program);
  Sshd::Setup setup;
  setup.lines = {"SetEnv SHLVL=3 PATH=" + scratch_.path("bin") +
                 " UPG_SYSTEMD_DIR=/nonexistent UPG_STATE_DIR=" + scratch_.path("bare.state")};
  const Sshd bare(scratch_, "bare", authorized_, setup);
  auto trusted = options();
  trusted.known_hosts = {scratch_.write("known.bare", bare.known_hosts_line())};
  SshTransport transport(trusted, {host(bare)});
  machine::Command command = shell("echo x");
  command.step_key = "k";
  command.lock = lock(1, "r1");
  const auto answer = run(transport, HostId(0), command);
  EXPECT_EQ(answer.outcome, Outcome::refused) << answer.out;
  EXPECT_NE(answer.detail.find("install util-linux"), std::string::npos) << answer.detail;
}

TEST_F(Fence, TheStepsOfARunGoWithItsLocksAndThoseOfOthersStay) {
  ASSERT_EQ(act(LockAct::take, lock(1, "r1")).code, 0);
  ASSERT_EQ(claim("r1/h/1", lock(1, "r1")).outcome, Outcome::exited);
  ASSERT_EQ(claim("once/r1/x", lock(1, "r1")).outcome, Outcome::exited);
  ASSERT_EQ(claim("r11/h/1", lock(1, "r1")).outcome, Outcome::exited);
  ASSERT_EQ(act(LockAct::rest, lock(1, "r1")).code, 0);
  EXPECT_TRUE(std::filesystem::exists(scratch_.path("sshd.state/steps/" + step_directory_name("r1/h/1"))));
  ASSERT_EQ(act(LockAct::free, lock(1, "r1")).code, 0);
  EXPECT_FALSE(std::filesystem::exists(scratch_.path("sshd.state/steps/" + step_directory_name("r1/h/1"))));
  EXPECT_TRUE(std::filesystem::exists(scratch_.path("sshd.state/steps/" + step_directory_name("once/r1/x"))));
  EXPECT_TRUE(std::filesystem::exists(scratch_.path("sshd.state/steps/" + step_directory_name("r11/h/1"))));
}

}  // namespace
}  // namespace upg::transport::test
