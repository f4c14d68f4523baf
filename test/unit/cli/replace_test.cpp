#include "runtime/cli/replace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace upg::cli {
namespace {

namespace fs = std::filesystem;

class Replace : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "upg-replace-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string &name, const std::string &text) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator(folder_), {}); }

  fs::path folder_;
};

TEST_F(Replace, AllFilesWithTheirModes) {
  const std::string a = write("a", "old a"), b = write("b", "old b");
  ::chmod(b.c_str(), 0640);
  EXPECT_EQ(replace_files({{a, "old a", "new a"}, {b, "old b", "new b"}}), "");
  EXPECT_EQ(read(a), "new a");
  EXPECT_EQ(read(b), "new b");
  struct stat status {};
  ASSERT_EQ(::stat(b.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  EXPECT_EQ(entries(), 2);
}

TEST_F(Replace, NoneIfOneHasChangedSinceItWasRead) {
  const std::string a = write("a", "old a"), b = write("b", "somebody else's b");
  const std::string why = replace_files({{a, "old a", "new a"}, {b, "old b", "new b"}});
  EXPECT_NE(why.find("has changed since it was read"), std::string::npos) << why;
  EXPECT_EQ(read(a), "old a");
  EXPECT_EQ(read(b), "somebody else's b");
  EXPECT_EQ(entries(), 2);  // no draft is left
}

TEST_F(Replace, NoneIfOneHasGrownOrIsGone) {
  const std::string a = write("a", "old a"), b = write("b", "old b and more");
  EXPECT_NE(replace_files({{a, "old a", "new a"}, {b, "old b", "new b"}}), "");
  EXPECT_NE(replace_files({{a, "old a", "new a"}, {(folder_ / "gone").string(), "old", "new"}}), "");
  EXPECT_EQ(read(a), "old a");
  EXPECT_EQ(entries(), 2);
}

TEST_F(Replace, ALinkStaysALink) {
  const std::string real = write("real", "old"), link = folder_ / "link";
  fs::create_symlink(real, link);
  EXPECT_EQ(replace_files({{link, "old", "new"}}), "");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(read(real), "new");
}

TEST_F(Replace, AnotherProgramsDraftIsNotTouched) {
  const std::string a = write("a", "old");
  const std::string taken = write("a." + std::to_string(::getpid()) + ".tmp", "not ours");
  EXPECT_NE(replace_files({{a, "old", "new"}}), "");
  EXPECT_EQ(read(taken), "not ours");
  EXPECT_NE(replace_file(a, "new"), "");
  EXPECT_EQ(read(taken), "not ours");
  EXPECT_EQ(read(a), "old");
}

TEST_F(Replace, AFileThatIsNotThereIsMade) {
  EXPECT_EQ(replace_file(folder_ / "fresh", "text"), "");
  EXPECT_EQ(read(folder_ / "fresh"), "text");
  EXPECT_NE(replace_file(folder_ / "none" / "fresh", "text"), "");
}

}  // namespace
}  // namespace upg::cli
