#include "tests/fault/cluster_network.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/child_process.hpp"

namespace tandem::fault {
namespace {

constexpr const char* ip_program = "/usr/sbin/ip";

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int open_own_space() {
  auto fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("/proc/thread-self/ns/net");
  return fd;
}

void enter(int space) {
  if (::setns(space, CLONE_NEWNET) != 0) fail("setns");
}

int make_space() {
  if (::unshare(CLONE_NEWNET) != 0) fail("unshare");
  return open_own_space();
}

/// One command a line.
void ip(const std::string& commands) {
  auto done = test::run(
      {.program = ip_program, .arguments = {"-batch", "-"}, .environment = {}, .input = commands});
  if (done.code != 0) throw std::runtime_error(commands + done.err);
}

/// 10.99.NODE.LAST
std::string address(std::size_t node, unsigned last) {
  return "10.99." + std::to_string(node + 1) + '.' + std::to_string(last);
}

std::string subnet(std::size_t node) {
  return address(node, 0) + "/24";
}

void forward_packets() {
  std::ofstream out{"/proc/sys/net/ipv4/ip_forward"};
  out << "1\n";
  out.close();
  if (!out) fail("/proc/sys/net/ipv4/ip_forward");
}

std::string try_it() {
  if (::geteuid() != 0) return "cuts need root (network namespaces)";
  if (::access(ip_program, X_OK) != 0) return "cuts need /usr/sbin/ip (package iproute2)";
  auto home = open_own_space();
  std::string problem;
  try {
    cluster_network network{2};
    network.cut(0, 1);
    network.heal();
  } catch (const std::exception& e) {
    problem = std::string{"cuts need network namespaces: "} + e.what();
  }
  enter(home);
  ::close(home);
  return problem;
}

thread_local bool trying = false;

}  // namespace

const std::string& cluster_network::why_not() {
  static const std::string reason = [] {
    trying = true;
    auto result = try_it();
    trying = false;
    return result;
  }();
  return reason;
}

cluster_network::cluster_network(std::size_t nodes) : cut_(nodes * nodes) {
  if (!trying && !why_not().empty()) return;
  for (std::size_t i = 0; i < nodes; ++i) spaces_.push_back(make_space());
  router_ = make_space();
  ip("link set lo up\n");
  forward_packets();
  for (std::size_t i = 0; i < nodes; ++i) {
    auto name = "n" + std::to_string(i);
    ip("link add " + name + " type veth peer name eth0 netns /proc/" + std::to_string(::getpid()) +
       "/fd/" + std::to_string(spaces_[i]) + "\naddr add " + address(i, 254) + "/24 dev " + name +
       "\nlink set " + name + " up\n");
    inside(i, [&] {
      ip("link set lo up\naddr add " + address(i, 1) + "/24 dev eth0\naddr add " + address(i, 2) +
         "/24 dev eth0\nlink set eth0 up\nroute add default via " + address(i, 254) + "\n");
    });
  }
}

cluster_network::~cluster_network() {
  for (auto fd : spaces_) ::close(fd);
  if (router_ >= 0) ::close(router_);
}

std::string cluster_network::host(std::size_t node, unsigned which) const {
  return spaces_.empty() ? "127.0.0.1" : address(node, 1 + which % 2);
}

void cluster_network::inside(std::size_t node, const std::function<void()>& what) {
  if (spaces_.empty()) return what();
  enter(spaces_[node]);
  try {
    what();
  } catch (...) {
    enter(router_);
    throw;
  }
  enter(router_);
}

void cluster_network::rule(const char* action, std::size_t from, std::size_t to) {
  ip(std::string{"rule "} + action + " from " + subnet(from) + " to " + subnet(to) +
     " blackhole\n");
}

void cluster_network::cut(std::size_t from, std::size_t to) {
  auto place = from * spaces_.size() + to;
  if (spaces_.empty() || from == to || cut_[place]) return;
  rule("add", from, to);
  cut_[place] = true;
}

void cluster_network::heal(std::size_t from, std::size_t to) {
  auto place = from * spaces_.size() + to;
  if (spaces_.empty() || !cut_[place]) return;
  rule("del", from, to);
  cut_[place] = false;
}

void cluster_network::heal() {
  for (std::size_t from = 0; from < spaces_.size(); ++from)
    for (std::size_t to = 0; to < spaces_.size(); ++to) heal(from, to);
}

}  // namespace tandem::fault
