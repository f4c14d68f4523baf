#include "runtime/diagnostics/sources.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace upg::diagnostics {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "upg-sources-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string &name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Sources, PositionsCountCodePointsNotBytes) {
  Sources sources;
  const FileId file = sources.add("a.upg", "one\ntwo é x\n\xF0\x9F\x98\x80y");
  EXPECT_EQ(sources.position(file, 0), (Position{1, 1}));
  EXPECT_EQ(sources.position(file, 3), (Position{1, 4}));  // the line feed itself
  EXPECT_EQ(sources.position(file, 4), (Position{2, 1}));
  EXPECT_EQ(sources.position(file, 11), (Position{2, 7}));  // x, after the two bytes of é
  EXPECT_EQ(sources.position(file, 17), (Position{3, 2}));  // y, after the four bytes of an emoji
  EXPECT_EQ(sources.position(file, 9), (Position{2, 5}));   // inside é: é's own column
  EXPECT_EQ(sources.position(file, 9999), (Position{3, 3}));
}

TEST(Sources, InvalidBytesAreOneColumnEach) {
  Sources sources;
  const FileId file = sources.add("a.upg", "\xFF\xFEx\xE2\x82");
  EXPECT_EQ(sources.position(file, 2), (Position{1, 3}));
  EXPECT_EQ(sources.position(file, 5), (Position{1, 6}));
}

TEST(Sources, AByteOrderMarkHasNoColumn) {
  Sources sources;
  const FileId file = sources.add("a.upg", "\xEF\xBB\xBFx\n\xEF\xBB\xBFy\n");
  EXPECT_EQ(sources.position(file, 0), (Position{1, 1}));
  EXPECT_EQ(sources.position(file, 1), (Position{1, 1}));
  EXPECT_EQ(sources.position(file, 3), (Position{1, 1}));
  EXPECT_EQ(sources.position(file, 4), (Position{1, 2}));
  EXPECT_EQ(sources.text(sources.line(file, 1)), "x");
  EXPECT_EQ(sources.position(file, 8), (Position{2, 2}));  // on other lines it is a character like any other
}

TEST(Sources, LinesExcludeTheirEnds) {
  Sources sources;
  const FileId file = sources.add("a.upg", "one\r\n\nthree");
  EXPECT_EQ(sources.text(sources.line(file, 1)), "one");
  EXPECT_EQ(sources.text(sources.line(file, 2)), "");
  EXPECT_EQ(sources.text(sources.line(file, 3)), "three");
  EXPECT_EQ(sources.text(sources.line(file, 4)), "");
  EXPECT_EQ(sources.text(sources.line(file, 0)), "");
  EXPECT_EQ(sources.line_of(file, 5), 2u);
  EXPECT_EQ(sources.line_of(file, 99), 3u);
}

TEST(Sources, RangesOutsideAreClamped) {
  Sources sources;
  const FileId file = sources.add("a.upg", "abc");
  EXPECT_EQ(sources.text(Range{file, 1, 99}), "bc");
  EXPECT_EQ(sources.text(Range{file, 50, 99}), "");
  EXPECT_EQ(sources.text(Range{file, 2, 1}), "");
  EXPECT_EQ(sources.text(Range{}), "");
  EXPECT_EQ(sources.text(Range{FileId{7}, 0, 1}), "");
}

TEST(Sources, LoadReadsAFileOfUpToTheLimit) {
  const Folder folder;
  std::ofstream(folder.file("a")) << "12345";
  std::ofstream(folder.file("empty"));
  Sources sources;
  std::string why = "stale";
  const auto file = sources.load(folder.file("a"), 5, why);
  ASSERT_TRUE(file);
  EXPECT_EQ(why, "");
  EXPECT_EQ(sources.text(*file), "12345");
  EXPECT_EQ(sources.path(*file), folder.file("a"));
  ASSERT_TRUE(sources.load(folder.file("empty"), 5, why));
  EXPECT_FALSE(sources.load(folder.file("a"), 4, why));
  EXPECT_EQ(why, "it is larger than 4 bytes");
}

TEST(Sources, LoadSaysWhyItCannotRead) {
  const Folder folder;
  Sources sources;
  std::string why;
  EXPECT_FALSE(sources.load(folder.file("missing"), 100, why));
  EXPECT_EQ(why, "no such file");
  EXPECT_FALSE(sources.load(folder.path(), 100, why));
  EXPECT_EQ(why, "it is a directory");
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(sources.load(folder.file("pipe"), 100, why));  // and does not wait for a writer
  EXPECT_EQ(why, "it is not a regular file");
  EXPECT_EQ(sources.size(), 0u);
}

}  // namespace
}  // namespace upg::diagnostics
