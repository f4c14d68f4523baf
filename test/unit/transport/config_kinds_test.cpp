#include "runtime/transport/ssh/config_kinds.h"

#include <gtest/gtest.h>

#include <map>

#include "runtime/transport/spawn.h"
#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

class ConfigKindsTest : public ::testing::Test {
 protected:
  ConfigKinds kinds(const std::string &text) { return {scratch_.write("config", text), scratch_.path("home")}; }
  Scratch scratch_;
};

TEST_F(ConfigKindsTest, HostsThatDifferInTheirNamesOnlyAreOfOneKind) {
  const ConfigKinds some = kinds(R"(
Host db*
  User postgres
Host web1
  HostName 10.0.0.1
Host web2
  HostName=10.0.0.2
Host web3
  HostName 10.0.0.3
  User www
Host *
  Port 2222
  HostName 10.0.0.9
)");
  ASSERT_TRUE(some.of("web1"));
  EXPECT_EQ(some.of("web1")->key, some.of("web2")->key);
  EXPECT_EQ(some.of("web1")->hostname, "10.0.0.1");
  EXPECT_EQ(some.of("web2")->hostname, "10.0.0.2");
  EXPECT_EQ(some.of("other")->hostname, "10.0.0.9");
  EXPECT_NE(some.of("web1")->key, some.of("web3")->key);
  EXPECT_NE(some.of("web1")->key, some.of("db1")->key);
  EXPECT_EQ(some.of("db1")->key, some.of("db2")->key);
}

TEST_F(ConfigKindsTest, WhatCannotBeToldApartIsAskedOneByOne) {
  for (const std::string text : {"Match host web1\n  User www\n", "  mAtCh all\n", "Host web\\1\n", "Host \"web1\"\n",
                                 "Host web1 # the first\n", "CanonicalizeHostname yes\n", "HostName %h.lab\n",
                                 "HostName Web.lab\n", "Include %d/more\n", "User %n\n", "Host=\n"})
    EXPECT_FALSE(kinds(text).of("web1")) << text;
  EXPECT_TRUE(kinds("IdentityFile ~/.ssh/%n\n").of("web1"));
  for (const std::string name : {"root@web1", "ssh://web1", "Web1", "-oProxyCommand=x", ""})
    EXPECT_FALSE(kinds("Port 22\n").of(name)) << name;
}

TEST_F(ConfigKindsTest, AnIncludedFileSpeaksOfTheHostsOfItsBlock) {
  const std::string more = scratch_.write("more", "User www\nHost web2\n  Port 2222\n");
  const ConfigKinds some = kinds("Host web*\n  Include " + more + "\n  Compression yes\nHost *\n  Port 22\n");
  ASSERT_TRUE(some.of("web1"));
  EXPECT_EQ(some.of("web1")->key, "User www\nCompression yes\nPort 22\n");
  EXPECT_EQ(some.of("web2")->key, "User www\nPort 2222\nCompression yes\nPort 22\n");
  EXPECT_EQ(some.of("db")->key, "Port 22\n");
  EXPECT_FALSE(kinds("Include " + scratch_.path("config") + "\n").of("web1"));  // itself
}

TEST_F(ConfigKindsTest, PatternsAreThoseOfSsh) {
  EXPECT_TRUE(matches_host({"web?"}, "web1"));
  EXPECT_FALSE(matches_host({"web?"}, "web"));
  EXPECT_TRUE(matches_host({"*", "!db*"}, "web1"));
  EXPECT_FALSE(matches_host({"*", "!db*"}, "db1"));
  EXPECT_FALSE(matches_host({"!db*"}, "web1"));
}

/// The promise itself: for hosts of one kind ssh -G says the same.
TEST_F(ConfigKindsTest, SshSaysTheSameOfOneKind) {
  const std::string more =
      scratch_.write("more", "Host a* !a2\n  User included\n  IdentityFile ~/.ssh/%n\nHost c?\n  Port 7\n");
  const std::string text =
      "ServerAliveInterval 7\nHost b*\n  HostName 10.0.0.1\nHost a1 b1 c1\n  HostName 10.0.0.2\n  Include " + more +
      "\n  LogLevel ERROR\nHost ?2 !c*\n  Port 23\n  ProxyCommand nc %h %p\nHost c2\n  HostName 10.0.0.3\n"
      "Include " +
      more + "\nHost *\n  User last\n  HostKeyAlias pool\n";
  const ConfigKinds some = kinds(text);
  std::map<std::string, std::string> said;
  std::size_t same = 0;
  for (const std::string host : {"a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "cc", "d"}) {
    std::string out, error;
    ASSERT_TRUE(run_for_output({"ssh", "-G", "-F", scratch_.path("config"), "--", host}, 10'000, out, error)) << error;
    std::string rest, hostname;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t end = std::min(out.find('\n', at), out.size() - 1);
      const std::string line = out.substr(at, end - at);
      at = end + 1;
      if (line.starts_with("hostname "))
        hostname = line.substr(9);
      else if (!line.starts_with("host "))
        rest += line + '\n';
    }
    const std::optional<ConfigKinds::Kind> kind = some.of(host);
    ASSERT_TRUE(kind) << host;
    EXPECT_EQ(kind->hostname.empty() ? host : kind->hostname, hostname);
    const auto [known, fresh] = said.try_emplace(kind->key, rest);
    EXPECT_EQ(known->second, rest) << host;
    same += fresh ? 0 : 1;
  }
  EXPECT_GE(same, 3u);  // else nothing was compared
}

}  // namespace
}  // namespace upg::transport::test
