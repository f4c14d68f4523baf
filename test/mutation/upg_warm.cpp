// The checker and the explorer in one process that stays: what both learn from the first plans (the parser's tables,
// most of all) is there for the next thousand. Each request runs in a child of its own, so one that crashes harms no
// other.
//
// upg_warm < requests > answers. A request is one line, words between tabs: SECONDS, `upgc` or `upg_oracle`, its
// arguments. The answer: "CODE OUT ERR\n", then OUT bytes of standard output and ERR bytes of standard error. CODE is
// -SIGNAL for a child that a signal ended (-14: it took longer than SECONDS). SECONDS 0: `upg_oracle` runs here, to
// learn the grammar for both; nothing is answered.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

// The two programs; their `main` has another name here (CMakeLists.txt).
int upgc_main(int argc, char **argv);
int upg_oracle_main(int argc, char **argv);

namespace {

/// Standard output and standard error of a child, in memory.
class Caught {
 public:
  Caught() : files_{::memfd_create("out", MFD_CLOEXEC), ::memfd_create("err", MFD_CLOEXEC)} {}
  ~Caught() {
    for (const int file : files_) ::close(file);
  }
  Caught(const Caught &) = delete;
  Caught &operator=(const Caught &) = delete;

  void catch_here() const {
    ::dup2(files_[0], STDOUT_FILENO);
    ::dup2(files_[1], STDERR_FILENO);
  }
  std::string text(std::size_t which) const {
    std::string all(static_cast<std::size_t>(::lseek(files_[which], 0, SEEK_END)), '\0');
    const ssize_t got = ::pread(files_[which], all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }

 private:
  std::array<int, 2> files_;
};

int run(std::vector<std::string> &words) {
  std::vector<char *> argv;
  for (std::string &word : words) argv.push_back(word.data());
  const int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  const int code = words[0] == "upgc" ? upgc_main(argc, argv.data()) : upg_oracle_main(argc, argv.data());
  std::fflush(stdout);
  std::fflush(stderr);
  return code;
}

void learn(std::vector<std::string> &words) {
  const int out = ::dup(STDOUT_FILENO), error = ::dup(STDERR_FILENO);
  Caught().catch_here();
  run(words);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::close(out);
  ::close(error);
}

bool answer(std::vector<std::string> &words, unsigned seconds) {
  const Caught caught;
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    caught.catch_here();
    ::alarm(seconds);
    ::_exit(run(words));
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return false;
  const std::string out = caught.text(0), error = caught.text(1);
  std::printf("%d %zu %zu\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), out.size(), error.size());
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fwrite(error.data(), 1, error.size(), stdout);
  return std::fflush(stdout) == 0;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t tab = line.find('\t');
    words.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return words;
    line.remove_prefix(tab + 1);
  }
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<std::string> words = words_of(line);
    const unsigned seconds = static_cast<unsigned>(std::strtoul(words[0].c_str(), nullptr, 10));
    words.erase(words.begin());
    if (words.empty() || (words[0] != "upg_oracle" && (words[0] != "upgc" || seconds == 0))) return 2;
    if (seconds == 0) {
      learn(words);
    } else if (!answer(words, seconds)) {
      return 2;
    }
  }
  return 0;
}
