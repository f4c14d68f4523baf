#include "runtime/transport/ssh/known_hosts.h"

#include <gtest/gtest.h>

#include "test/unit/transport/sshd.h"

namespace upg::transport::test {
namespace {

using Kind = KeyVerdict::Kind;

class KnownHostsTest : public testing::Test {
 protected:
  KnownHostsTest() {
    key_ = split(make_key(scratch_.path("a")));
    other_ = split(make_key(scratch_.path("b")));
  }
  static HostKey split(const std::string &line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    return {line.substr(0, first), line.substr(first + 1, second - first - 1)};
  }
  static std::string text(const HostKey &key) { return key.type + " " + key.blob; }
  KeyVerdict check(const std::string &file, const HostNames &names) {
    const std::string path = scratch_.write("known" + std::to_string(++files_), file);
    return known_.check({scratch_.path("missing"), path}, names, key_);
  }
  Scratch scratch_;
  HostKey key_;
  HostKey other_;
  KnownHosts known_;
  int files_ = 0;
  HostNames plain_{{"10.0.0.1", "pve1"}, 22};
  HostNames port_{{"10.0.0.1", "pve1"}, 2222};
};

TEST_F(KnownHostsTest, FingerprintIsThatOfSshKeygen) {
  std::string out;
  std::string error;
  ASSERT_TRUE(run_for_output({"ssh-keygen", "-lf", scratch_.path("a.pub")}, 10'000, out, error));
  EXPECT_NE(out.find(" " + fingerprint(key_.blob) + " "), std::string::npos) << out;
  EXPECT_EQ(fingerprint("not base64"), "");
}

TEST_F(KnownHostsTest, PlainNamesPatternsAndPorts) {
  EXPECT_EQ(check("10.0.0.1 " + text(key_), plain_).kind, Kind::known);
  EXPECT_EQ(check("pve1 " + text(key_) + " comment", plain_).kind, Kind::known);
  EXPECT_EQ(check("other,PVE1 " + text(key_), plain_).kind, Kind::known);
  EXPECT_EQ(check("10.0.0.? " + text(key_), plain_).kind, Kind::known);
  EXPECT_EQ(check("10.*,!10.0.0.1 " + text(key_), HostNames{{"10.0.0.1"}, 22}).kind, Kind::unknown);
  EXPECT_EQ(check("[10.0.0.1]:2222 " + text(key_), port_).kind, Kind::known);
  EXPECT_EQ(check("[10.0.0.1]:2223 " + text(key_), port_).kind, Kind::unknown);
  EXPECT_EQ(check("[10.0.0.1]:2222 " + text(key_), plain_).kind, Kind::unknown);
  // As ssh does: the same key under the bare name is good enough, another one there is no contradiction.
  EXPECT_EQ(check("10.0.0.1 " + text(key_), port_).kind, Kind::known);
  EXPECT_EQ(check("10.0.0.1 " + text(other_), port_).kind, Kind::unknown);
}

TEST_F(KnownHostsTest, HashedNames) {
  for (const HostNames &names : {plain_, port_}) {
    const std::string path = scratch_.write("hashed", names.spelled(0) + " " + text(key_) + "\n");
    std::string out;
    std::string error;
    ASSERT_TRUE(run_for_output({"ssh-keygen", "-H", "-f", path}, 10'000, out, error)) << error;
    ASSERT_EQ(read_file(path).rfind("|1|", 0), 0u);
    EXPECT_EQ(known_.check({path}, names, key_).kind, Kind::known);
    EXPECT_EQ(known_.check({path}, names, other_).kind, Kind::changed);
    EXPECT_EQ(known_.check({path}, HostNames{{"10.0.0.2"}, names.port}, key_).kind, Kind::unknown);
  }
}

TEST_F(KnownHostsTest, UnknownSaysHowToMendIt) {
  const KeyVerdict verdict = check("", port_);
  EXPECT_EQ(verdict.kind, Kind::unknown);
  EXPECT_NE(verdict.detail.find(fingerprint(key_.blob)), std::string::npos);
  EXPECT_NE(verdict.detail.find("ssh-keyscan -p 2222 10.0.0.1"), std::string::npos) << verdict.detail;
}

TEST_F(KnownHostsTest, ChangedShowsBothFingerprintsAndThePlace) {
  const KeyVerdict verdict = check("# comment\n\n10.0.0.1 " + text(other_) + "\n", plain_);
  EXPECT_EQ(verdict.kind, Kind::changed);
  EXPECT_NE(verdict.detail.find(fingerprint(key_.blob)), std::string::npos) << verdict.detail;
  EXPECT_NE(verdict.detail.find(fingerprint(other_.blob)), std::string::npos);
  EXPECT_NE(verdict.detail.find("known1:3"), std::string::npos);
  EXPECT_NE(verdict.detail.find("ssh-keygen -R '10.0.0.1'"), std::string::npos);
  EXPECT_EQ(check("10.0.0.1 " + text(other_) + "\n10.0.0.1 " + text(key_) + "\n", plain_).kind, Kind::known);
}

TEST_F(KnownHostsTest, RevokedWinsOverEverything) {
  EXPECT_EQ(check("10.0.0.1 " + text(key_) + "\n@revoked * " + text(key_) + "\n", plain_).kind, Kind::revoked);
  EXPECT_EQ(check("@revoked 10.0.0.1 " + text(key_) + "\n10.0.0.1 " + text(key_) + "\n", port_).kind, Kind::revoked);
  EXPECT_EQ(check("@revoked * " + text(other_) + "\n10.0.0.1 " + text(key_) + "\n", plain_).kind, Kind::known);
}

TEST_F(KnownHostsTest, AuthorityAloneIsNotEnough) {
  const KeyVerdict verdict = check("@cert-authority *.0.0.1 " + text(key_), plain_);
  EXPECT_EQ(verdict.kind, Kind::authority);
  EXPECT_NE(verdict.detail.find("certificate"), std::string::npos);
  EXPECT_EQ(check("@cert-authority * " + text(other_) + "\n10.0.0.1 " + text(key_), plain_).kind, Kind::known);
}

TEST_F(KnownHostsTest, TypesOnFileAreAskedForFirst) {
  const std::string path = scratch_.write("rsa", "10.0.0.1 ssh-rsa AAAA\n@revoked 10.0.0.1 ecdsa-sha2-nistp256 AAAA\n");
  const std::string algorithms = known_.algorithms({path}, plain_);
  EXPECT_EQ(algorithms.rfind("rsa-sha2-512,rsa-sha2-256,ssh-ed25519", 0), 0u) << algorithms;
}

TEST_F(KnownHostsTest, AFileIsReadAgainWhenItChanged) {
  const std::string path = scratch_.write("growing", "");
  EXPECT_EQ(known_.check({path}, plain_, key_).kind, Kind::unknown);
  scratch_.write("growing", "pve1 " + text(key_) + "\n");
  EXPECT_EQ(known_.check({path}, plain_, key_).kind, Kind::known);
}

TEST_F(KnownHostsTest, RubbishIsNoMatchAndNoCrash) {
  std::string rubbish =
      "@marker a b c\n@revoked\n|1|\n|1|x|y ssh-rsa AAAA\n|1|==|== ssh-rsa AAAA\nhost\nhost key\n,,,! k b\n";
  for (int c = 0; c < 256; ++c) rubbish += std::string(3, static_cast<char>(c)) + " " + static_cast<char>(c) + "\n";
  rubbish += std::string(100'000, '*') + " ssh-ed25519 " + key_.blob + "\n";
  EXPECT_EQ(check(rubbish, plain_).kind, Kind::unknown);
}

}  // namespace
}  // namespace upg::transport::test
