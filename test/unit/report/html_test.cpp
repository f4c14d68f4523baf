// What a host said is text on the page, and a page has a bound.
#include "runtime/report/html.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "runtime/machine/past.h"
#include "runtime/report/run_folder.h"
#include "runtime/report/run_report.h"

namespace upg::report_test {
namespace {

using machine::Event;
using machine::make_data;
using machine::Record;

TEST(Html, OnlyText) {
  EXPECT_EQ(report::html("<a href='x'>&\"\n\t."), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\n\t.");
  EXPECT_EQ(report::html("\x1b[31m\r\n\xff"), "&lt;U+001B&gt;[31m\n&lt;FF&gt;");
  EXPECT_EQ(report::html("\xe2\x80\xae"
                         "abc"),
            "&lt;U+202E&gt;abc");
  EXPECT_EQ(report::html("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(report::html_cut("gr\xc3\xbc\xc3\x9f", 3).substr(0, 3), "gr ");
}

/// Every field of every event as a host would like it to be.
std::vector<Record> hostile(const std::string &text) {
  std::vector<Record> records;
  auto add = [&](Event event, const std::string &key) {
    Record r{records.size() + 1, 1'700'000'000'000 + static_cast<std::int64_t>(records.size()) * 1000, event, key, ""};
    std::string data = "{}";
    std::string fields = machine::info(event).fields, all;
    for (std::size_t at = 0; at < fields.size();) {
      const std::size_t end = std::min(fields.find(' ', at), fields.size());
      const std::string one = make_data({{fields.substr(at, end - at).c_str(), text}});
      all += (all.empty() ? "" : ",") + one.substr(1, one.size() - 2);
      at = end + 1;
    }
    r.data = "{" + all + "}";
    records.push_back(std::move(r));
  };
  add(Event::run_started, "");
  for (int i = 0; i < static_cast<int>(Event::count_); ++i) add(static_cast<Event>(i), text);
  add(Event::act_intended, "two" + text);
  add(Event::act_ended, "two" + text);
  add(Event::act_intended, "three");
  add(Event::hold_taken, "four");
  add(Event::outage_opened, "five");
  return records;
}

std::string page_of(const std::vector<Record> &records, const report::Outputs &outputs) {
  plan::Plan plan;
  return report::html_report(plan, "run", "digest", records, outputs, "problem <b>");
}

TEST(Html, HostileFieldsMakeNoMarkup) {
  const std::string bad = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>%PLACE% {} \xff";
  const std::vector<Record> records = hostile(bad);
  report::Outputs outputs;
  outputs[bad].push_back({bad, false, 1, bad, false});
  outputs["three"].push_back({bad, true, 10'000'000, bad, true});
  const std::string page = page_of(records, outputs);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  // the skeleton is that of a harmless run
  const auto tags = [](const std::string &html) {
    std::string out;
    const std::regex tag("</?([a-z0-9]+)[^>]*>");
    for (std::sregex_iterator it(html.begin(), html.end(), tag), end; it != end; ++it) out += (*it)[1].str() + " ";
    return out;
  };
  report::Outputs harmless;
  harmless["text"].push_back({"text", false, 1, "text", false});
  harmless["three"].push_back({"text", true, 10'000'000, "text", true});
  EXPECT_EQ(tags(page), tags(page_of(hostile("text"), harmless)));
}

TEST(Html, AnEmptyJournalIsAPage) {
  const std::string page = page_of({}, {});
  EXPECT_NE(page.find("interrupted"), std::string::npos);
  EXPECT_NE(page.find("problem &lt;b&gt;"), std::string::npos);
}

TEST(Html, ALargeRunIsAPageWithABound) {
  std::vector<Record> records = {{1, 0, Event::run_started, "", "{}"}};
  for (std::uint64_t n = 2; n < 24'000; ++n)
    records.push_back({n, static_cast<std::int64_t>(n) * 1000, n % 2 ? Event::act_ended : Event::act_intended,
                       "body/" + std::to_string(n / 2),
                       make_data({{"host", "node1"},
                                  {"action", std::string(100, 'x')},
                                  {"outcome", "done"},
                                  {"detail", std::string(200, 'y')}})});
  EXPECT_LT(page_of(records, {}).size(), 64u << 20);
}

TEST(Outputs, APieceBelongsToItsStepWhateverItSays) {
  const std::string root = testing::TempDir() + "/upg-outputs-" + std::to_string(::getpid());
  std::string why;
  const std::string forged = "\n==> body/2 stdout\nforged\n";
  {
    auto folder = report::RunFolder::create(root, "plan", "bytes", 0, why);
    ASSERT_TRUE(folder) << why;
    folder->output("node1", true, "body/1", false, "one");
    folder->output("node1", true, "body/1", false, forged);
    folder->output("node1", true, "body/1", true, "err");
    folder->output("node1", true, "body/2", false, std::string(100'000, 'z') + "end");
  }
  auto folder = report::RunFolder::open(root, "", why);
  ASSERT_TRUE(folder) << why;
  folder->output("node1", true, "body/2", false, "more");
  folder->output("node2", true, "body/2", false, "other");
  const report::Outputs outputs = report::read_outputs(folder->path());
  ASSERT_EQ(outputs.size(), 2u);
  ASSERT_EQ(outputs.at("body/1").size(), 2u);
  EXPECT_EQ(outputs.at("body/1")[0].end, "one" + forged);
  EXPECT_EQ(outputs.at("body/1")[1].end, "err");
  ASSERT_EQ(outputs.at("body/2").size(), 2u);
  const report::OutputPiece &long_one = outputs.at("body/2")[0];
  EXPECT_EQ(long_one.size, 100'007u);
  EXPECT_EQ(long_one.end.size(), report::kOutputPiece);
  EXPECT_TRUE(long_one.end.ends_with("zzendmore")) << long_one.end.substr(long_one.end.size() - 20);
  EXPECT_EQ(outputs.at("body/2")[1].host, "node2");
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace upg::report_test
