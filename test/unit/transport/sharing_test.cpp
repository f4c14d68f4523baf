// Connections where files are few: closed when dropped, shared among more hosts than there may be.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using machine::Outcome;
using plan::HostId;

class SharingTest : public SshTest {};

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/// Connections of this process to a port.
std::size_t connections_to(std::uint16_t port) {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    count += getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
             peer.sin_port == htons(port);
  }
  return count;
}

TEST_F(SharingTest, WhatIsDroppedIsClosed) {
  SshTransport transport(options(), {host(*sshd_)});
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(run(transport, HostId(0), words({"echo", "x"})).out, "x\n");
    EXPECT_EQ(connections_to(sshd_->port()), 1u);
    transport.disconnect(HostId(0));
    EXPECT_EQ(connections_to(sshd_->port()), 0u);
  }
}

TEST_F(SharingTest, MoreHostsThanConnectionsShareThem) {
  SshOptions few = options();
  few.connections = 3;
  std::vector<SshHost> hosts;
  for (std::size_t i = 0; i < 12; ++i) hosts.push_back(host(*sshd_, i));
  SshTransport transport(few, hosts);
  // Two that last hold theirs; everybody else goes through the third, twice.
  const std::string go = make_fifo(scratch_.path("go"));
  transport.start(100, HostId(0), shell("read x <" + go, 60'000));
  transport.start(101, HostId(1), shell("sleep 60", 60'000));
  for (machine::RequestId round = 0; round < 2; ++round) {
    for (std::size_t i = 2; i < 12; ++i) transport.start(200 + 20 * round + i, HostId(i), words({"echo", "x"}, 60'000));
  }
  std::vector<machine::Answer> answers;
  std::size_t most = 0;
  while (answers.size() < 20) {
    transport.wait(monotonic_now() + 60'000, answers, outputs_);
    most = std::max(most, connections_to(sshd_->port()));
  }
  for (const machine::Answer &answer : answers) EXPECT_EQ(answer.out, "x\n") << answer.detail;
  EXPECT_EQ(most, 3u);
  send_line(go, "");
  EXPECT_EQ(collect(transport, 1)[100].outcome, Outcome::exited);
  EXPECT_EQ(run(transport, HostId(0), words({"echo", "again"}, 60'000)).out, "again\n");
  transport.cancel(101);
}

TEST_F(SharingTest, MoreHostsThanFilesMayBeOpen) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{40, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<SshHost> hosts;
  for (std::size_t i = 0; i < 44; ++i) hosts.push_back(host(*sshd_, i));
  SshTransport transport(options(), hosts);
  for (std::size_t i = 0; i < 44; ++i) transport.start(i + 1, HostId(i), words({"echo", "x"}, 60'000));
  for (auto &[request, answer] : collect(transport, 44)) EXPECT_EQ(answer.out, "x\n") << answer.detail;
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(SharingTest, WhoGetsNoConnectionSaysWhy) {
  SshOptions one = options();
  one.connections = 1;
  SshTransport transport(one, {host(*sshd_, 0), host(*sshd_, 1)});
  const std::string started = make_fifo(scratch_.path("started"));
  transport.start(1, HostId(0), shell("echo x >" + started + "; sleep 60", 60'000));
  std::vector<machine::Answer> answers;
  for (int i = 0; i < 10; ++i) transport.wait(monotonic_now() + 30, answers, outputs_);
  await_line(started);
  const auto answer = run(transport, HostId(1), words({"echo", "x"}, 1'000));
  EXPECT_EQ(answer.outcome, Outcome::unreachable);
  EXPECT_TRUE(contains(answer.detail, "ulimit -n")) << answer.detail;
  transport.cancel(1);
}

}  // namespace
}  // namespace upg::transport::test
