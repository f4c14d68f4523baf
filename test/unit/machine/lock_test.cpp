// Two controllers: one run holds its cluster, whoever was asleep is fenced out, and nothing runs twice meanwhile.
#include "runtime/machine/lock.h"

#include "test/unit/machine/everything.h"

namespace upg::machine_test {
namespace {

using machine::LockLine;

/// A second controller in the same world, with a journal of its own.
struct Other {
  explicit Other(Lab &of) : lab(of), transport(*of.simulated, of.clock, 7), tap(transport, death) {
    journal.death = &death;
    options.run_id = "run2";
    options.who = "somebody";
    options.owner = "somebody@elsewhere:1";
  }
  void begin() {
    options.past = journal.records;
    machine =
        std::make_unique<machine::Machine>(lab.plan(), lab.proof, tap, lab.clock, journal, observer, people, options);
  }
  bool turn() {
    bool more = machine->turn(1'000);
    for (std::uint64_t id : std::exchange(people.waiting, {})) machine->person_answered(id, "yes", "operator");
    return more;
  }
  machine::Ending run() {
    begin();
    for (int turns = 0; turns < 100'000 && turn(); ++turns) {
    }
    return machine->ending();
  }
  Lab &lab;
  Death death;
  transport::SimulatedTransport transport;
  Tap tap;
  MemoryJournal journal;
  Recorder observer;
  Crowd people;
  machine::Options options;
  std::unique_ptr<machine::Machine> machine;
};

bool says(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/// Until the first controller has done that many commands of actions.
void until_done(Lab &l, std::size_t commands) {
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.done().size() >= commands; }));
}

TEST(Locks, TheSecondRunOnAClusterIsRefusedWithWhoHoldsIt) {
  auto l = lab();
  until_done(*l, 3);
  const std::size_t before = l->done().size();
  Other other(*l);
  machine::Ending e = other.run();
  EXPECT_EQ(e.status, Status::refused);
  EXPECT_TRUE(says(e.reason, "cluster web is locked by run run1 (plan u) of controller, since ")) << e.reason;
  EXPECT_TRUE(says(e.reason, "its controller is alive")) << e.reason;
  EXPECT_TRUE(says(e.advice, "upgrun unlock run1")) << e.advice;
  EXPECT_EQ(l->done().size(), before);
  e = l->finish();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  expect_all_done(*l, "the first");
}

TEST(Locks, ARunThatIsOverGivesItsLocksUpAndTheNextTokenIsNewer) {
  auto l = lab();
  ASSERT_EQ(l->run().status, Status::done);
  for (const char *h : {"web1", "web2", "web3"}) l->hosts->files[std::string(h) + ":packages"] = "old";
  Other other(*l);
  EXPECT_EQ(other.run().status, Status::done) << other.machine->ending().reason;
  ASSERT_EQ(l->events(Event::locks_intended).size(), 1u);
  EXPECT_EQ(machine::field_of(l->events(Event::locks_intended)[0], "token"), "1");
  EXPECT_EQ(machine::Past(other.journal.records).token(), 2u);
}

TEST(Locks, ADeadControllersRunKeepsItsLocks) {
  auto l = lab();
  l->death.at_record = 40;
  l->run();
  ASSERT_TRUE(l->died);
  l->clock.advance_to(l->clock.monotonic() + 600'000);
  Other other(*l);
  machine::Ending e = other.run();
  EXPECT_EQ(e.status, Status::refused);
  EXPECT_TRUE(says(e.reason, "run run1")) << e.reason;
  EXPECT_TRUE(says(e.reason, "no controller drives it now")) << e.reason;
  EXPECT_EQ(l->resume().status, Status::done);
  expect_all_done(*l, "after it");
}

TEST(Locks, AStoppedRunKeepsThemAndWaitsForNobodysLease) {
  auto l = lab();
  until_done(*l, 3);
  l->machine->request_stop("a person");
  ASSERT_EQ(l->finish().status, Status::stopped);
  Other other(*l);
  EXPECT_EQ(other.run().status, Status::refused);
  EXPECT_TRUE(says(other.machine->ending().reason, "no controller drives it now"));
  l->owner_is_dead = nullptr;
  EXPECT_EQ(l->resume().status, Status::done);
}

TEST(Locks, ARunIsNotTakenUpWhileItsControllerMayBeAlive) {
  auto l = lab();
  until_done(*l, 5);
  Other other(*l);
  other.options.run_id = "run1";
  other.journal.records = l->journal.records;
  machine::Ending e = other.run();
  EXPECT_EQ(e.status, Status::stopped);
  EXPECT_TRUE(says(e.reason, "another controller drives this run")) << e.reason;
  EXPECT_TRUE(e.elsewhere);
  EXPECT_EQ(l->finish().status, Status::done);
  expect_all_done(*l, "the first");
}

/// The first controller is stopped after every turn, the second takes over, then the first wakes up again.
TEST(Locks, AControllerThatSleptPastItsLeaseIsFencedOut) {
  int fenced = 0;
  for (int turns = 1; turns < 2'000; turns += 2) {
    auto l = lab();
    l->begin();
    bool more = true;
    for (int i = 0; i < turns && more; ++i) more = l->turn();
    if (!more) break;
    Other other(*l);
    other.options.run_id = "run1";
    other.journal.records = l->journal.records;
    if (machine::Past(other.journal.records).token() == 0) continue;  // that would be another run
    l->clock.advance_to(l->clock.monotonic() + 90'000);
    const std::string where = fmt::format("asleep after {} turns", turns);
    machine::Ending e = other.run();
    // A part that only the first one's memory knows, and nobody did: a person looks.
    ASSERT_EQ(e.status, Status::done) << where << ": " << e.reason << "\n" << l->journal_text();
    expect_all_done(*l, where);
    const std::size_t records = l->journal.records.size();
    e = l->finish();
    if (e.status != Status::done) {
      EXPECT_TRUE(e.status == Status::stopped || e.status == Status::refused) << where << ": " << e.reason;
      EXPECT_TRUE(e.elsewhere) << where;
      const bool late = says(e.reason, "cannot be locked");  // it was about to take its locks
      EXPECT_TRUE(late || (says(e.reason, "no longer the one") && says(e.reason, "another controller of this run")))
          << where << ": " << e.reason;
      EXPECT_EQ(l->events(Event::fenced).size(), late ? 0u : 1u);
      EXPECT_GT(l->journal.records.size(), records);
      fenced += !late;
    }
    expect_all_done(*l, where + ", after it woke up");
    if (HasFailure()) return;
    l->owner_is_dead = nullptr;
    e = l->resume();  // its journal is not the one to go on with
    EXPECT_NE(e.status, Status::stopped) << where << e.reason;
    EXPECT_TRUE(e.status == Status::done || says(e.reason, "has taken this run up since")) << where << ": " << e.reason;
    expect_all_done(*l, where + ", resumed with the old journal");
    if (HasFailure()) return;
  }
  EXPECT_GT(fenced, 50);
}

/// A copy of the journal that was made halfway knows nothing of the rest; the hosts have forgotten the steps by then.
TEST(Locks, ARunThatWasBroughtToItsEndElsewhereIsNotGoneOnWith) {
  for (std::size_t commands = 1; commands < 24; commands += 3) {
    auto l = lab();
    until_done(*l, commands);
    Other other(*l);
    other.options.run_id = "run1";
    other.journal.records = l->journal.records;
    ASSERT_EQ(l->finish().status, Status::done);
    machine::Ending e = other.run();
    EXPECT_EQ(e.status, Status::halted) << e.reason;
    EXPECT_TRUE(says(e.reason, "brought this run to its end")) << e.reason;
    expect_all_done(*l, "once");
  }
}

TEST(Locks, AfterAnotherRunNobodyGoesOnWithTheOneBefore) {
  auto l = lab();
  l->death.at_record = 12;  // it has its locks, and has done nothing
  l->run();
  ASSERT_TRUE(l->died);
  ASSERT_EQ(l->done().size(), 0u);
  machine::Command command;
  auto broken = std::make_shared<machine::Lock>();
  broken->names = machine::lock_names("web", {});
  broken->run = "run1";
  command.lock = broken;
  command.lock_act = machine::LockAct::breaks_alive;
  command.timeout = 1'000;
  Other other(*l);
  for (std::size_t h = 0; h < l->plan().hosts.size(); ++h) other.transport.start(h + 1, plan::HostId(h), command);
  std::vector<machine::Answer> answers;
  std::vector<machine::Output> outputs;
  while (answers.size() < l->plan().hosts.size()) other.transport.wait(l->clock.monotonic() + 1'000, answers, outputs);
  ASSERT_EQ(other.run().status, Status::done) << other.machine->ending().reason;
  machine::Ending e = l->resume();
  EXPECT_EQ(e.status, Status::refused);
  EXPECT_TRUE(says(e.reason, "run run2 (plan u) has been at work")) << e.reason;
  expect_all_done(*l, "once");
}

TEST(Locks, WhoeverMissedTheTakeoverIsFencedByTheFirstClaim) {
  auto l = lab();
  until_done(*l, 5);
  Other other(*l);
  other.options.run_id = "run1";
  other.journal.records = l->journal.records;
  l->clock.advance_to(l->clock.monotonic() + 90'000);
  // web3 is away while the second one takes its locks, and comes back
  l->simulated->reboot(l->host("web3"), l->clock.monotonic(), 150'000);
  machine::Ending e = other.run();
  ASSERT_EQ(e.status, Status::done) << e.reason;
  expect_all_done(*l, "the second");
  e = l->finish();
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  expect_all_done(*l, "the first");
}

TEST(Locks, AHostThatLostItsLocksGetsThemAgain) {
  auto l = lab();
  until_done(*l, 3);
  l->simulated->forget_locks(l->host("web2"));
  EXPECT_EQ(l->finish().status, Status::done);
  expect_all_done(*l, "set up again");
}

TEST(Locks, OneRunAtATimeOfTwoThatBeginTogether) {
  for (int head_start = 0; head_start < 12; ++head_start) {
    auto l = lab();
    l->begin();
    for (int i = 0; i < head_start; ++i) l->turn();
    Other other(*l);
    other.begin();
    bool first = true, second = true;
    for (int turns = 0; turns < 200'000 && (first || second); ++turns) {
      if (first) first = l->turn();
      if (second) second = other.turn();
    }
    const Status a = l->machine->ending().status, b = other.machine->ending().status;
    EXPECT_TRUE((a == Status::done && b == Status::refused) || (a == Status::refused && b == Status::done))
        << head_start << l->machine->ending().reason << other.machine->ending().reason;
    expect_all_done(*l, fmt::format("{} turns ahead", head_start));
    if (HasFailure()) return;
  }
}

TEST(Locks, ADryRunOnlySaysWhoHasThem) {
  auto l = lab();
  until_done(*l, 3);
  Other other(*l);
  other.options.mode = Mode::preflight;
  other.run();
  bool said = false;
  for (const std::string &line : other.observer.lines) said = said || says(line, "a run would be refused now");
  EXPECT_TRUE(said);
  l->machine.reset();
}

TEST(LockLine, WhatAHostSaysIsReadOrRefused) {
  auto lines = machine::read_lock_lines("7 held r 100 me@x p 12\n0 free - 0 - - 0\n", 2);
  ASSERT_TRUE(lines);
  EXPECT_EQ((*lines)[0].token, 7u);
  EXPECT_EQ((*lines)[0].state, LockLine::State::held);
  EXPECT_EQ((*lines)[0].lease_s, 12);
  EXPECT_EQ((*lines)[1].state, LockLine::State::free);
  for (const char *bad : {"", "7 held r 100 me p", "x held r 100 me p 1", "7 had r 100 me p 1", "-7 held r 100 me p 1",
                          "7 held r 100 me p -1", "9999999999999999 held r 1 m p 1", "7 held r 100 me p 1 more",
                          "7  held r 100 me p 1", "7 held r 100 me p 1\n7 held r 100 me p 1"})
    EXPECT_FALSE(machine::read_lock_lines(bad, 1)) << bad;
}

TEST(LockLine, TheNewestTokenCountsAndAmongEqualsThatItWasGivenUp) {
  const LockLine held{LockLine::State::held, 5, "r", "o", "p", 1, 10},
      given{LockLine::State::free, 5, "r", "o", "p", 1, 0};
  const LockLine newer{LockLine::State::held, 6, "s", "o", "p", 1, 0};
  EXPECT_EQ(machine::newest(held, given).state, LockLine::State::free);
  EXPECT_EQ(machine::newest(given, held).state, LockLine::State::free);
  EXPECT_EQ(machine::newest(given, newer).run, "s");
  EXPECT_EQ(machine::newest(newer, held).run, "s");
}

TEST(LockLine, WordsAreWords) {
  EXPECT_EQ(machine::lock_word("a b\n$(x)/é"), "a_b___x____");
  EXPECT_EQ(machine::lock_word(""), "-");
  EXPECT_EQ(machine::lock_word(std::string(1000, 'a')).size(), 200u);
}

}  // namespace
}  // namespace upg::machine_test
