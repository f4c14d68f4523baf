// The door of a run: who is heard, bounds, clients that say nothing.
#include "runtime/report/control.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace upg::report {
namespace {

struct Door {
  Door() {
    char name[] = "/tmp/upg-control-XXXXXX";
    root = ::mkdtemp(name);
    std::string why;
    // deeper than the path of a socket may be long
    folder = RunFolder::create(root + "/" + std::string(100, 'd'), "plan", "bytes", 0, why);
    EXPECT_TRUE(folder) << why;
    control = Control::listen(*folder, why);
    EXPECT_TRUE(control) << why;
  }
  ~Door() { std::filesystem::remove_all(root); }
  /// Serves until the question is answered.
  std::optional<std::string> ask(const std::string &text, std::string &why) {
    std::optional<std::string> answer;
    std::atomic<bool> over = false;
    std::thread asker([&] {
      answer = ask_control(*folder, text, 20'000, why);
      over = true;
    });
    while (!over) {
      pollfd p{control->fd(), POLLIN, 0};
      ::poll(&p, 1, 20);
      control->serve(now, [&](const Control::Request &r) {
        heard = r.text;
        who = r.who;
        return reply;
      });
    }
    asker.join();
    return answer;
  }
  std::string root, heard, who, reply = "ok\n";
  std::int64_t now = 0;
  std::unique_ptr<RunFolder> folder;
  std::unique_ptr<Control> control;
};

TEST(Control, AnswersOneLine) {
  Door door;
  std::string why;
  door.reply = std::string(3u << 20, 'x');  // more than a socket takes at once
  EXPECT_EQ(door.ask("status", why), door.reply) << why;
  EXPECT_EQ(door.heard, "status");
  EXPECT_NE(door.who.find("(process "), std::string::npos) << door.who;
}

TEST(Control, IsForItsOwnUserOnlyAndGoesWithTheRun) {
  Door door;
  struct stat s {};
  ASSERT_EQ(::stat(door.folder->file("control").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777u, 0600u);
  door.control.reset();
  EXPECT_NE(::stat(door.folder->file("control").c_str(), &s), 0);
  std::string why = "?";
  EXPECT_FALSE(ask_control(*door.folder, "status", 1'000, why));
  EXPECT_EQ(why, "") << "nobody drives the run: that is no error";
}

TEST(Control, WhatAKilledProcessLeftIsReplaced) {
  Door door;
  std::string why;
  door.control.reset();
  std::filesystem::current_path(door.folder->path());
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::snprintf(a.sun_path, sizeof a.sun_path, "control");
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr *>(&a), sizeof a), 0);
  ::close(dead);
  std::filesystem::current_path("/");
  EXPECT_FALSE(ask_control(*door.folder, "status", 1'000, why));
  EXPECT_EQ(why, "");
  door.control = Control::listen(*door.folder, why);
  ASSERT_TRUE(door.control) << why;
  EXPECT_TRUE(door.ask("status", why)) << why;
}

TEST(Control, SilentAndChattyClientsHoldNobodyUp) {
  Door door;
  std::vector<int> silent;
  const auto connect = [&] {
    std::filesystem::current_path(door.folder->path());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::snprintf(a.sun_path, sizeof a.sun_path, "control");
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr *>(&a), sizeof a), 0);
    std::filesystem::current_path("/");
    return fd;
  };
  auto serve = [&] { door.control->serve(door.now, [](const Control::Request &) { return std::string("ok\n"); }); };
  for (int i = 0; i < 8; ++i) {
    silent.push_back(connect());
    serve();
  }
  const std::string endless(100'000, 'a');
  static_cast<void>(::send(silent[0], endless.data(), endless.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  serve();
  char c = 0;
  EXPECT_LE(::recv(silent[0], &c, 1, 0), 0) << "a line without end is not heard";
  door.now += 6'000;
  serve();
  for (int fd : silent) EXPECT_LE(::recv(fd, &c, 1, 0), 0);
  std::string why;
  EXPECT_TRUE(door.ask("status", why)) << why;
  for (int fd : silent) ::close(fd);
}

}  // namespace
}  // namespace upg::report
