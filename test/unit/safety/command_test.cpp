#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/safety/rules/shell_script.h"
#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

// ---- what a shell would run

/// The simple commands of a script, `; ` between them; what is known at run time only is `?`.
std::string commands(std::string_view script) {
  std::vector<SimpleCommand> found;
  Script(found).text(script);
  std::string out;
  for (const SimpleCommand &c : found) out += (out.empty() ? "" : "; ") + c.text();
  for (char &c : out) c = c == kHole ? '?' : c;
  return out;
}

struct Case {
  const char *script, *found;
};
class Scripts : public ::testing::TestWithParam<Case> {};
TEST_P(Scripts, AreTakenApart) { EXPECT_EQ(commands(GetParam().script), GetParam().found) << GetParam().script; }

INSTANTIATE_TEST_SUITE_P(Lists, Scripts,
                         ::testing::Values(Case{"a b; c", "a b; c"}, Case{"a && b || c", "a; b; c"},
                                           Case{"a | b |& c", "a; b; c"}, Case{"a & b", "a; b"},
                                           Case{"a &&\n b", "a; b"}, Case{"a 2>&1 >x <y b", "> x; a b"},
                                           Case{"a &> x; b", "> x; a; b"}, Case{"a \\\n b", "a b"},
                                           Case{"(a; b)", "a; b"}, Case{"{ a; b; }", "a; b"}, Case{"! a", "a"},
                                           Case{"# a\nb", "b"}, Case{"a#b", "a#b"}, Case{"> x\nb", "> x; b"},
                                           Case{"", ""}, Case{"a >", "a"}));
INSTANTIATE_TEST_SUITE_P(Compound, Scripts,
                         ::testing::Values(Case{"if a; then b; elif c; then d; else e; fi", "a; b; c; d; e; fi"},
                                           Case{"for i in x y; do a; done", "for i in x y; a; done"},
                                           Case{"while a; do b; done", "a; b; done"},
                                           Case{"until a; do b; done", "a; b; done"},
                                           Case{"case x in y) a ;; esac", "case x in y; a; esac"},
                                           Case{"f() { a; }; f", "f; a; f"}, Case{"function f { a; }", "a"},
                                           Case{"coproc a", "a"}));
INSTANTIATE_TEST_SUITE_P(Quotes, Scripts,
                         ::testing::Values(Case{"'a' \"b c\"", "a b c"}, Case{"a\\ b", "a b"},
                                           Case{"\"a\\\"b\"", "a\"b"}, Case{"\\a b", "a b"}, Case{"$'a' b", "a b"},
                                           Case{"$'a\\x62' b", "a?62 b"}, Case{"$\"a\" b", "a b"},
                                           Case{"echo 'a; b'", "echo a; b"}, Case{"$X a", "$X a; a"},
                                           Case{"a $? $ b", "a ? ? b"}, Case{"a 'b", "a b"}, Case{"a \"b", "a b"}));
INSTANTIATE_TEST_SUITE_P(Substitution, Scripts,
                         ::testing::Values(Case{"a $(b) c", "b; a ? c"}, Case{"a `b` c", "b; a ? c"},
                                           Case{"a \"$(b)\"", "b; a ?"}, Case{"a ${x:-$(b)}", "b; a ?"},
                                           Case{"a $(b ')'; c)", "b ); c; a ?"}, Case{"a $(b \")\"; c)", "b ); c; a ?"},
                                           Case{"a $(b $(c))", "c; b ?; a ?"}, Case{"a <(b) >(c)", "a; b; c"},
                                           Case{"X=$(a) b", "a; b"}, Case{"a $((1 + 2))", "a ?"},
                                           Case{"a $((b); (c))", "b; c; a ?"}, Case{"a $(b", "b; a ?"},
                                           Case{"a ${x", "a ?"}, Case{"a $(", "a ?"}));
INSTANTIATE_TEST_SUITE_P(
    Wrappers, Scripts,
    ::testing::Values(
        Case{"sudo a", "a"}, Case{"sudo -u b a", "a"}, Case{"sudo -iu b a", "a"}, Case{"sudo -ub a", "a"},
        Case{"sudo -nE X=1 a", "a"}, Case{"sudo --user b a", "b a; a"}, Case{"sudo --user=b a", "a"},
        Case{"sudo --login a", "a"}, Case{"sudo -- a --x", "a --x"}, Case{"sudo env X=1 nice -n 5 /sbin/a b", "a b"},
        Case{"env -u Y X=1 a", "a"}, Case{"env -S 'a b'", "a b; env -S a b"}, Case{"X=1 Y=2 a", "a"},
        Case{"nohup a &", "a"}, Case{"timeout 5 a", "a"}, Case{"timeout -s KILL -k 9 5m a", "a"},
        Case{"timeout --signal KILL 5 a", "5 a; a"}, Case{"nice -5 a", "a"}, Case{"ionice -c 3 a", "a"},
        Case{"chrt -f 10 a", "a"}, Case{"taskset -c 0-3 a", "a"}, Case{"setsid -w a", "a"}, Case{"stdbuf -oL a", "a"},
        Case{"systemd-run a", "a"}, Case{"systemd-run -t --scope -p X=1 a", "a"},
        Case{"systemd-run --unit u --on-active 5 a", "u --on-active 5 a; 5 a; a"},
        Case{"ls | xargs -0 -n 1 -I{} a {}", "ls; a {}"}, Case{"xargs -i a", "a"}, Case{"xargs sh -c 'a; b'", "a; b"},
        Case{"chroot /mnt a", "a"}, Case{"nsenter -t 1 -m a", "a"}, Case{"unshare -n a", "a"},
        Case{"flock -n /l a", "a"}, Case{"flock /l -c 'a; b'", "a; b; a; b"}, Case{"runuser -u b -- a", "a"},
        Case{"exec -a b a", "a"}, Case{"command a", "a"}, Case{"command -v a", "command -v a"},
        Case{"busybox a b", "a b"}, Case{"strace -f -o x a", "a"}, Case{"watch -n 5 'a; b'", "a; b"},
        Case{"ssh -p 22 h a", "a"}, Case{"ssh h 'a && b'", "a; b"}, Case{"ssh h -t sudo a", "a"},
        Case{"find / -name x -exec a {} \\; -exec b {} +", "a {}; b {}; find / -name x -exec a {} ; -exec b {} +"},
        Case{"sudo", "sudo"}, Case{"trap 'a; b' EXIT", "a; b"}, Case{"eval a '; b'", "a; b"}));
INSTANTIATE_TEST_SUITE_P(Shells, Scripts,
                         ::testing::Values(Case{"sh -c 'a; b'", "a; b"}, Case{"bash -ec 'a'", "a"},
                                           Case{"bash -o pipefail -c 'a'", "a"}, Case{"bash -euo pipefail -c 'a'", "a"},
                                           Case{"sh -c -e 'a'", "a"}, Case{"sudo bash -lc 'sudo a'", "a"},
                                           Case{"sh -c \"sh -c 'a'\"", "a"}, Case{"su - b -c 'a'", "a; su - b -c a"},
                                           Case{"su b --command=a", "a; su b --command=a"},
                                           Case{"runuser -l b -c 'a c'", "a c; b -c a c"},
                                           Case{"script -qc 'a' /dev/null", "a; script -qc a /dev/null"},
                                           Case{"sh /x/y.sh z", "sh /x/y.sh z; y.sh z"},
                                           Case{". /x/y z", ". /x/y z; y z"}));
INSTANTIATE_TEST_SUITE_P(
    Input, Scripts,
    ::testing::Values(Case{"sh <<E\na\nb\nE\nc", "sh; a; b; c"},
                      Case{"sudo -u x bash -s <<-'E'\n\ta\n\tE\nc", "bash -s; a; c"},
                      Case{"cat <<E | sh\na\nE", "cat; sh; a"}, Case{"cat <<E |\na\nE\nsh", "cat; sh; a"},
                      Case{"ssh h <<E\na\nE", "ssh h; a"}, Case{"cat > f <<E\na\nE\nb", "> f; cat; b"},
                      Case{"cat <<E\n$(a) x\nE", "cat; a"}, Case{"cat <<'E'\n$(a)\nE", "cat"},
                      Case{"cat <<E\na", "cat"}, Case{"cat <<E <<F\na\nE\n$(b)\nF\nc", "cat; b; c"},
                      Case{"sh <<< 'a; b'", "sh; a; b"}, Case{"cat <<< 'a; b'", "cat"},
                      Case{"echo a | sh", "echo a; sh; a"}, Case{"echo 'a; b' | sudo bash", "echo a; b; bash; a; b"},
                      Case{"printf '%s\\n' a | tee x | ssh h", "printf %s\\n a; tee x; ssh h; %s; a"},
                      Case{"{ echo a; echo b; } | sh", "echo a; echo b; sh; a; b"},
                      Case{"(echo a) | sh", "echo a; sh; a"},
                      Case{"for i in x; do echo a; done | sh", "for i in x; echo a; done; sh; a"},
                      Case{"echo a; cat x | sh", "echo a; cat x; sh; sh"}, Case{"sh < /x/y", "sh; y"},
                      Case{"echo a | cat", "echo a; cat"}, Case{"echo a | at now", "echo a; at now; a"}));

INSTANTIATE_TEST_SUITE_P(Aliases, Scripts,
                         ::testing::Values(Case{"alias r='a b'; r c", "alias r=a b; a b; a b c; r c"},
                                           Case{"alias a=b b=a; a", "alias a=b b=a; b; b; a; b; a"}));

/// Every reading of a script, those with the values of its variables behind the first; `!` marks what nobody can see.
std::string readings(std::string_view script) {
  Trio t;
  const N node = t.node(plan::Op::shell, 0, 0, {t.on_h(), t.b.text(script, t.where())});
  std::string out;
  for (const SimpleCommand &c : commands_of(t.p, node))
    out += (out.empty() ? "" : "; ") + c.text() + (c.unseen.empty() ? "" : " !");
  for (char &c : out) c = c == kHole ? '?' : c;
  return out;
}
TEST(ScriptText, IsReadWithTheValuesOfItsVariables) {
  EXPECT_EQ(readings("R='a b'; $R c"), "$R c; c; a b c");
  EXPECT_EQ(readings("R='a b'; \"$R\" c"), "$R c; a b c");
  EXPECT_EQ(readings("R=a; x && R=b; ${R} c"),
            "x; $"
            "{R} c; c; x; a c; x; b c");
  EXPECT_EQ(readings("R=$X; $R"), "$R !");
  EXPECT_EQ(readings("$R"), "$R !");
  EXPECT_EQ(readings("a $R"), "a ?");
}
TEST(ScriptText, IsNotReadInMoreWaysThanABound) {
  std::string script;
  for (const char c : std::string_view("ABCDE")) script += std::string("x && ") + c + "=a; x && " + c + "=b; ";
  EXPECT_EQ(readings(script + "$A").substr(0, 2), "x;");
  EXPECT_NE(readings(script + "$A").find("$A !"), std::string::npos) << "of 32 ways none is known";
  std::string uses, names;
  for (int i = 0; i < 20000; ++i) uses += " $R", names += " r";
  EXPECT_LT(readings("R=" + std::string(1000, 'a') + "; b" + uses).size(), std::size_t{3} << 20);
  EXPECT_LT(readings("alias r='" + std::string(1000, 'a') + "'; r" + names).size(), std::size_t{3} << 20);
}

TEST(ScriptText, HasABound) {
  std::string open;
  for (int i = 0; i < 2000; ++i) open += "$(";
  const std::string nested = commands("x " + open + "a");
  EXPECT_EQ(std::count(nested.begin(), nested.end(), ';'), 8) << nested;
  std::string wrapped, options = "sudo";
  for (int i = 0; i < 20000; ++i) wrapped += "sudo ", options += " --x y";
  EXPECT_EQ(commands(wrapped + "a"), "a");
  std::vector<SimpleCommand> found;
  Script(found).text(options + " a");
  EXPECT_LT(found.size(), 40u);
}

TEST(Patterns, Match) {
  const auto speaks = [](std::string_view patterns, std::string_view script) {
    std::vector<SimpleCommand> found;
    Script(found).text(script);
    return !CommandPatterns(patterns).matching(found.at(0).text(), found.at(0).spread()).empty();
  };
  EXPECT_TRUE(speaks("rm -r* | rm * -r*", "rm -rf /x"));
  EXPECT_TRUE(speaks("rm -r* | rm * -r*", "rm -vrf /x"));
  EXPECT_FALSE(speaks("rm -r* | rm * -r*", "rm -f /x-r"));
  EXPECT_FALSE(speaks("rm -r* | rm * -r*", "rm -f -- -vr"));
  EXPECT_TRUE(speaks("a * | b", "b"));
  EXPECT_FALSE(speaks("a * | b", "a"));
  EXPECT_FALSE(speaks("a * | b", "b c"));
  EXPECT_TRUE(speaks("a * except a -s* | a * -s*", "a x"));
  EXPECT_FALSE(speaks("a * except a -s* | a * -s*", "a -s x"));
  EXPECT_FALSE(speaks("a * except a -s* | a * -s*", "a -ys x"));
  EXPECT_TRUE(speaks("a * except a -s* | a * -s*", "a \"$S\" x")) << "what is not known is no exception";
  EXPECT_FALSE(speaks("a x*", "a \"$X\"")) << "only `*` matches what is not known";
  EXPECT_TRUE(speaks("a ?", "a b"));
}

// ---- what the rule says

TEST(Command, UnderDeclared) {
  Trio t;
  plan::CommandRule rule;
  rule.pattern = t.b.string("systemctl restart corosync*");
  rule.disrupts = {t.member};
  t.p.commands.push_back(rule);
  const auto act_with = [&](Ns effects, bool shell) {
    const plan::ActionId id = t.action("restart", effects);
    const N command =
        shell ? t.node(Op::shell, 0, 0,
                       {t.on_h(), t.b.text("true && sudo /usr/bin/systemctl restart corosync.service", t.where())})
              : t.node(Op::run, 0, 0,
                       {t.on_h(), t.b.text("systemctl", t.where()), t.b.text("restart", t.where()),
                        t.b.text("corosync", t.where())});
    t.p.actions[id.index].body = t.block({t.node(Op::command, 0, 0, {command})});
    return id;
  };
  const std::string complaint = "E1021 `restart` runs a command that disrupts `member`, but does not say so\n";
  act_with({t.changes(t.member)}, false);
  EXPECT_EQ(checked(t.finish({})), complaint);
  act_with({t.changes(t.member)}, true);
  EXPECT_EQ(checked(t.finish({})), complaint + complaint);
  t.p.actions.resize(t.p.actions.size() - 2);
  act_with({t.disrupts(t.member)}, false);
  act_with({t.disrupts_all()}, true);
  EXPECT_EQ(checked(t.finish({})), "");
}
TEST(Command, InAQuestion) {
  Trio t;
  plan::CommandRule rule;
  rule.pattern = t.b.string("reboot*");
  rule.disrupts_all = true;
  t.p.commands.push_back(rule);
  const plan::GateId g = t.own_gate("odd");
  t.p.gates[g.index].pass = t.node(Op::run, 0, 0, {t.on_h(), t.b.text("reboot", t.where())});
  EXPECT_EQ(checked(t.finish({})),
            "E1021 gate `odd` runs a command that changes something; a question may only read\n");
}
struct Shell : Trio {
  plan::ActionId act_of(const std::string &script, bool declared = true) {
    plan::CommandRule rule;
    rule.pattern = b.string("rm -r*");
    rule.destroys = true;
    if (p.commands.empty()) p.commands.push_back(rule);
    const plan::ActionId id = action("clean", declared ? Ns{destroys()} : Ns{spill()});
    p.actions[id.index].body =
        block({node(Op::command, 0, 0, {node(Op::shell, 0, 0, {on_h(), b.text(script, where())})})});
    return id;
  }
  N spill() { return node(Op::spills, member.index, 0, {}); }
};
std::string clean(const std::string &script, bool declared = true) {
  Shell t;
  t.act_of(script, declared);
  const std::string said = checked(t.finish({}));
  return said.substr(0, said.find('\n'));
}

TEST(Command, FoundWhereverAShellRunsIt) {
  for (const char *script : {"rm -rf /srv/x",
                             "sudo rm -rf /srv/x",
                             "sudo -u root rm -rf /srv/x",
                             "env A=1 B=2 rm -r /srv/x",
                             "A=1 rm -r /srv/x",
                             "/usr/bin/rm -rf /srv/x",
                             "true; rm -rf /srv/x",
                             "true && rm -rf /srv/x",
                             "true || rm -rf /srv/x",
                             "ls | xargs -n 1 rm -rf",
                             "timeout 5 rm -rf /srv/x",
                             "nice -n 5 rm -rf /srv/x",
                             "echo $(rm -rf /srv/x)",
                             "echo `rm -rf /srv/x`",
                             "sh -c 'rm -rf /srv/x'",
                             "bash -ec \"rm -rf /srv/x\"",
                             "if true; then rm -rf /srv/x; fi",
                             "(cd /srv; rm -rf /srv/x)",
                             "\"rm\" -rf /srv/x",
                             "r\\m -rf /srv/x",
                             "eval rm -rf /srv/x",
                             "ssh other rm -rf /srv/x",
                             "chroot /mnt rm -rf /srv/x",
                             "x=1\nrm -rf /srv/x",
                             "ls 2>&1; rm -rf /srv/x"}) {
    EXPECT_EQ(clean(script, false), "E1021 `clean` runs a command that destroys, but does not say so") << script;
  }
  for (const char *script :
       {"echo rm -rf /srv/x", "echo 'true; rm -rf /srv/x'", "true # rm -rf /srv/x", "ls > rm -rf"}) {
    EXPECT_EQ(clean(script, false), "") << script;
  }
}
TEST(Command, WhatIsDestroyedIsCertain) {
  EXPECT_EQ(clean("rm -rf /srv/x"), "");
  EXPECT_EQ(clean("rm -rf x"), "E1026 `rm` destroys `x`, a path that is not absolute");
  EXPECT_EQ(clean("cd /srv && rm -rf ./x"), "E1026 `rm` destroys `./x`, a path that is not absolute");
  EXPECT_EQ(clean("rm -rf $DIR/x"), "E1026 what `rm` destroys is a variable outside of quotes");
  EXPECT_EQ(clean("rm -rf \"$DIR/x\""), "");
  EXPECT_EQ(clean("test -d /srv/x && rm -rf /srv/x/old"), "");
  EXPECT_EQ(clean("[ -d /srv/x ] && rm -rf /srv/y"), "E1026 `/srv/x` is tested, but `/srv/y` is destroyed");
  EXPECT_EQ(clean("if test -d /srv/x; then rm -rf /srv/y; fi"), "E1026 `/srv/x` is tested, but `/srv/y` is destroyed");
  EXPECT_EQ(clean("test -d /srv/x; rm -rf /srv/y"), "");
}

TEST(Command, WhatAShellReadsFromItsInput) {
  Shell t;
  t.act_of("true", false);
  plan::Action &action = t.p.actions.back();
  const N sh = t.node(Op::run, 0, 0,
                      {t.on_h(), t.b.text("sh", t.where()),
                       t.node(Op::stdin_is, 0, 0, {t.b.text("cd /srv\nrm -rf /srv/x", t.where())})});
  action.body = t.block({t.node(Op::command, 0, 0, {sh})});
  EXPECT_EQ(checked(t.finish({})), "E1021 `clean` runs a command that destroys, but does not say so\n");
}
TEST(Command, NamesOfThingsAreNoPaths) {
  Shell t;
  t.p.commands.push_back({});
  t.p.commands.back().pattern = t.b.string("pool *");
  t.p.commands.back().destroys = true;
  t.act_of("pool destroy tank/data --on=a/b ns/pod");
  EXPECT_EQ(checked(t.finish({})), "");
  t.act_of("pool destroy ./tank");
  EXPECT_EQ(checked(t.finish({})), "E1026 `pool` destroys `./tank`, a path that is not absolute\n");
}

}  // namespace
}  // namespace upg::safety::testing
