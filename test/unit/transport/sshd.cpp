#include "test/unit/transport/sshd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>

#include "runtime/transport/shell.h"

namespace upg::transport::test {
namespace {

/// Below the ports that outgoing connections take: one of those may get the port while its sshd is being restarted.
std::uint16_t free_port(const std::string &address) {
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = static_cast<std::uint16_t>(10'000 + random() % 20'000);
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    if (bind(fd.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) == 0) return port;
  }
  return 0;
}

void run_to_end(const std::vector<std::string> &argv) {
  std::string out;
  std::string error;
  ASSERT_TRUE(run_for_output(argv, 20'000, out, error)) << argv.front() << ": " << error;
}

}  // namespace

Scratch::Scratch() {
  std::string pattern = (std::filesystem::temp_directory_path() / "upg-test-XXXXXX").string();
  root_ = mkdtemp(pattern.data());
}
Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}
std::string Scratch::path(const std::string &name) const { return (root_ / name).string(); }
std::string Scratch::write(const std::string &name, const std::string &text, bool executable) const {
  const std::filesystem::path file = root_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
  chmod(file.c_str(), executable ? 0755 : 0600);
  return file.string();
}

std::string read_file(const std::string &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string make_key(const std::string &path, const std::string &passphrase) {
  run_to_end({"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", path});
  std::string text = read_file(path + ".pub");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string make_fifo(const std::string &path) {
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return path;
}

std::string await_line(const std::string &fifo) {
  // Opened for both, so that opening does not block.
  const Fd fd(open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  std::string line;
  char c = 0;
  pollfd ready{fd.get(), POLLIN, 0};
  while (poll(&ready, 1, 20'000) == 1 && read(fd.get(), &c, 1) == 1) {
    if (c == '\n') return line;
    line += c;
  }
  ADD_FAILURE() << "nobody wrote to " << fifo;
  return line;
}

void send_line(const std::string &fifo, const std::string &line) {
  const Fd fd(open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  const std::string text = line + "\n";
  EXPECT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  // Until the reader has it: when the descriptor closes, what is unread would go with the last writer and reader.
  for (int i = 0; i < 2000; ++i) {
    pollfd ready{fd.get(), POLLIN, 0};
    if (poll(&ready, 1, 0) == 0) return;
    usleep(1000);
  }
}

Sshd::Sshd(const Scratch &scratch, const std::string &name, const std::string &authorized_keys, Setup setup)
    : address_(setup.address), log_path_(scratch.path(name + ".log")) {
  if (getuid() == 0) std::filesystem::create_directories("/run/sshd");  // sshd of root insists on it
  std::string key = setup.host_key;
  if (key.empty()) {
    key = scratch.path(name + ".key");
    make_key(key);
  }
  public_key_ = read_file(key + ".pub");
  public_key_ = public_key_.substr(0, public_key_.find(' ', public_key_.find(' ') + 1));
  while (!public_key_.empty() && public_key_.back() == '\n') public_key_.pop_back();
  std::filesystem::create_directories(scratch.path("bin"));
  port_ = setup.port != 0 ? setup.port : free_port(address_);
  std::string config;
  for (const std::string &line : setup.lines) config += line + "\n";
  if (config.find("MaxStartups") == std::string::npos) config += "MaxStartups 100\n";  // the last one counts
  config += fmt::format(
      "Port {}\nListenAddress {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM "
      "no\n"
      // bash counts its level: from 2 on it does not read .bashrc, so that tests do not depend on whose home this is
      "SetEnv SHLVL=3 PATH={}:/usr/bin:/bin UPG_STATE_DIR={} UPG_BOOT_ID_FILE={} "
      "UPG_SYSTEMD_DIR=/nonexistent\n",
      port_, address_, key, scratch.write(name + ".authorized", authorized_keys + "\n"), scratch.path("bin"),
      scratch.path(name + ".state"), scratch.write("boot_id", "boot-1\n"));
  const std::string file = scratch.write(name + ".config", config);
  process_ =
      spawn_shell(fmt::format("exec /usr/sbin/sshd -D -e -f {} 2>{}", shell_quote(file), shell_quote(log_path_)));
  EXPECT_GT(process_.pid, 0) << process_.error;
  EXPECT_TRUE(listens()) << log();
}

/// Up means that it takes connections; there is no other event to wait for.
bool Sshd::listens() const {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port_);
  inet_pton(AF_INET, address_.c_str(), &name.sin_addr);
  for (int attempt = 0; attempt < 2000; ++attempt) {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(fd.get(), reinterpret_cast<const sockaddr *>(&name), sizeof name) == 0) return true;
    usleep(2000);
  }
  return false;
}

Sshd::~Sshd() { stop(); }

void Sshd::stop() {
  if (process_.pid <= 0) return;
  signal_all(SIGKILL);
  waitpid(process_.pid, nullptr, 0);
  process_ = Spawned();
}

std::vector<pid_t> Sshd::processes() const {
  std::map<pid_t, pid_t> parents;  // of processes named sshd
  for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    const std::string text = pid > 0 ? read_file(entry.path() / "stat") : std::string();
    const std::size_t close = text.rfind(')');
    if (close == std::string::npos || text.find("(sshd") == std::string::npos) continue;
    parents[pid] = std::atoi(text.c_str() + close + 4);
  }
  std::vector<pid_t> found = {process_.pid};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto &[pid, parent] : parents) {
      if (parent == found[i]) found.push_back(pid);
    }
  }
  return found;
}

void Sshd::signal_all(int signal) const {
  for (const pid_t pid : processes()) kill(pid, signal);
}
std::string Sshd::log() const { return read_file(log_path_); }
std::string Sshd::known_hosts_line() const { return fmt::format("[{}]:{} {}\n", address_, port_, public_key_); }

SshTest::SshTest() {
  identity_ = scratch_.path("identity");
  authorized_ = make_key(identity_);
  sshd_ = std::make_unique<Sshd>(scratch_, "sshd", authorized_);
  known_hosts_ = scratch_.write("known_hosts", sshd_->known_hosts_line());
}

SshHost SshTest::host(const Sshd &sshd, std::size_t id) const {
  SshHost host;
  host.id = plan::HostId(id);
  host.name = fmt::format("host{}", id);
  host.address = sshd.address();
  host.port = sshd.port();
  return host;
}

SshOptions SshTest::options() const {
  SshOptions options;
  options.config = "none";
  options.known_hosts = {known_hosts_};
  options.identities = {identity_};
  options.agent = false;
  return options;
}

std::unique_ptr<SshTransport> SshTest::connect(const std::vector<const Sshd *> &hosts) {
  std::vector<SshHost> list;
  for (const Sshd *sshd : hosts) list.push_back(host(*sshd, list.size()));
  return std::make_unique<SshTransport>(options(), list);
}

machine::Answer SshTest::run(SshTransport &transport, plan::HostId host, machine::Command command) {
  const machine::RequestId request = next_++;
  transport.start(request, host, std::move(command));
  const machine::Millis until = monotonic_now() + 60'000;
  while (monotonic_now() < until) {
    std::vector<machine::Answer> answers;
    transport.wait(until, answers, outputs_);
    for (machine::Answer &answer : answers) {
      if (answer.request == request) return std::move(answer);
    }
  }
  ADD_FAILURE() << "no answer in a minute";
  return {};
}

machine::Command SshTest::shell(std::string script, machine::Millis timeout) {
  machine::Command command;
  command.script = std::move(script);
  command.timeout = timeout;
  return command;
}

machine::Command SshTest::words(std::vector<std::string> argv, machine::Millis timeout) {
  machine::Command command;
  command.argv = std::move(argv);
  command.timeout = timeout;
  return command;
}

machine::Command SshTest::step(const std::string &key, machine::Command command) {
  command.step_key = key;
  return command;
}

machine::Command SshTest::attach(const std::string &key) {
  machine::Command command;
  command.step_key = key;
  command.attach_only = true;
  command.timeout = 10'000;
  return command;
}

std::map<machine::RequestId, machine::Answer> collect(SshTransport &transport, std::size_t count) {
  std::map<machine::RequestId, machine::Answer> found;
  const machine::Millis until = monotonic_now() + 60'000;
  while (found.size() < count && monotonic_now() < until) {
    std::vector<machine::Answer> answers;
    std::vector<machine::Output> outputs;
    transport.wait(until, answers, outputs);
    for (machine::Answer &answer : answers) found.emplace(answer.request, std::move(answer));
  }
  EXPECT_EQ(found.size(), count) << "answers missing after a minute";
  return found;
}

const char *name_of(machine::Outcome outcome) {
  static constexpr const char *names[] = {"exited", "signaled", "timed_out", "unreachable", "lost",     "refused",
                                          "absent", "running",  "vanished",  "fenced",      "cancelled"};
  return names[static_cast<std::size_t>(outcome)];
}

}  // namespace upg::transport::test
