// A secret that comes out of a host reaches nothing that is kept or shown.
#include "runtime/machine/redact.h"
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

const char *const secretive = R"(
secret token from env "TOKEN"
probe shown -> string { return (run("show") on web1).stdout }
gate calm { pass when shown() == "calm"  poll 2s for 10s  watches nothing }
action login(h: host) { changes server on h  run("login") on h env TOKEN = token  takes 5s..1m }
action print(h: host) { changes server on h  run("print") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  let seen = shown()
  print(web1)  await in_service(web1)
  await calm
  login(web1)  await in_service(web1)
}
)";

TEST(Secret, NeverReachesJournalOrPerson) {
  for (const std::string secret : {"hunter2-hunter2", "with \"quotes\" and \\ back\nsecond line of it", "four"}) {
    for (const char *where : {"print", "show", "login"}) {
      Lab l(web(secretive));
      l.hosts->says("show", std::string(where) == "show" ? "calm? " + secret : "calm");
      l.hosts->says("print", "the token is " + secret + "!\n");
      l.hosts->on("login", [&](const std::string &, const machine::Command &, Millis) {
        Reply r;
        r.err = "cannot log in with " + secret;
        r.code = std::string(where) == "login" ? 3 : 0;
        return r;
      });
      machine::Options options;
      options.secrets = {secret};
      machine::Ending e = l.run(options);
      std::string all = l.journal_text() + l.observer.printed + e.reason + e.advice;
      for (const std::string &line : l.observer.lines) all += line;
      for (const Record &r : l.observer.heard) all += r.data;
      const std::string first = secret.substr(0, secret.find('\n'));
      EXPECT_EQ(all.find(first), std::string::npos) << where << "\n" << all;
      EXPECT_EQ(all.find(secret), std::string::npos) << where;
      EXPECT_NE(all.find("(secret token)"), std::string::npos) << where << "\n" << all;
    }
  }
}

TEST(Secret, AValueWithASecretIsWholeAgainAtAResume) {
  Lab l(web(R"(
secret token from env "TOKEN"
probe shown -> string { return (run("show") on web1).stdout }
gate ready { pass when (run("get", "ready") on web1).stdout == "yes"  poll 2s for 10s  watches nothing }
action print(h: host, what: string) { changes server on h  run("print", what) on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  let seen = shown()
  print(web1, "first")  await in_service(web1)
  await ready
  print(web1, seen)  await in_service(web1)
}
)"));
  l.hosts->says("show", "a \"hunter2\" b");
  l.hosts->takes("print", 1'000);
  machine::Options options;
  options.secrets = {"hunter2"};
  EXPECT_EQ(l.run(options).status, Status::halted);
  l.hosts->files["web1:ready"] = "yes";
  EXPECT_EQ(l.resume(options).status, Status::done);
  EXPECT_EQ(l.times("print a \"hunter2\" b"), 1);
}

TEST(Secret, IsFoundInOtherForms) {
  machine::Redaction r;
  r.add("s", "hunter2 & 'Co'");
  for (const std::string text : {"aHVudGVyMiAmICdDbyc=",      // base64, alone
                                 "aHVudGVyMiAmICdDbycK",      // with the line feed of a file
                                 "dTpodW50ZXIyICYgJ0NvJ0A=",  // behind two bytes, with one after it
                                 "eGh1bnRlcjIgJiAnQ28n",      // behind one
                                 "hunter2%20%26%20%27Co%27", "hunter2+%26+%27Co%27", "68756e746572322026202743 6f27",
                                 "68756E746572322026202743 6F27", "hunter2 & '\\''Co'\\''"}) {
    std::string written = text;
    if (written.starts_with("68")) written.erase(written.find(' '), 1);
    const std::string hidden = r.hide("before " + written + " after");
    EXPECT_NE(hidden.find("(secret s, written otherwise "), std::string::npos) << written << " -> " << hidden;
    EXPECT_LE(hidden.size(), 13 + 34 + 6u) << "more than the edges of it is left: " << hidden;
    EXPECT_EQ(r.restore(hidden), "before " + written + " after");
    std::string held, out;
    for (char c : written) out += r.hide_piece(held, std::string(1, c));
    out += r.hide_rest(held);
    EXPECT_EQ(out.find(written), std::string::npos) << "in pieces";
    EXPECT_EQ(r.restore(out), written) << "in pieces: " << out;
  }
  EXPECT_EQ(r.hide("hunter2 and nothing"), "hunter2 and nothing");
}

TEST(Secret, IsFoundAcrossPieces) {
  machine::Redaction r;
  r.add("s", "hunter2");
  std::string held, out;
  for (char c : std::string("xhunhunter2hunter")) out += r.hide_piece(held, std::string(1, c));
  EXPECT_EQ(out, "xhun(secret s)") << "the end may become one";
  out += r.hide_rest(held);
  EXPECT_EQ(out, "xhun(secret s)hunter");
  EXPECT_EQ(r.restore(r.hide("hunter2 and hunter2")), "hunter2 and hunter2");
}

}  // namespace
}  // namespace upg::machine_test
