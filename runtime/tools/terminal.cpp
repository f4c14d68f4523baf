// Questions to the person at the terminal.
#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/tools/session.h"

namespace upg::run {

std::optional<std::string> ask_terminal(const std::string &prompt, bool secret) {
  int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  termios before{};
  bool silent = secret && tcgetattr(fd, &before) == 0;
  if (silent) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd, TCSAFLUSH, &quiet);
  }
  std::string text = prompt + " ";
  static_cast<void>(!::write(fd, text.data(), text.size()));
  std::string answer;
  char c = 0;
  bool ended = false;
  while (answer.size() < 4096) {
    ssize_t n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ended = answer.empty();
      break;
    }
    if (c == '\n') break;
    answer += c;
  }
  if (silent) {
    tcsetattr(fd, TCSAFLUSH, &before);
    static_cast<void>(!::write(fd, "\n", 1));
  }
  ::close(fd);
  if (ended) return std::nullopt;
  return answer;
}

std::string user_name() {
  const passwd *entry = getpwuid(getuid());
  return entry ? entry->pw_name : std::to_string(getuid());
}

}  // namespace upg::run
