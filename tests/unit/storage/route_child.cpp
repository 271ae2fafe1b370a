#include "tests/unit/storage/route_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/route_fixture.hpp"

namespace tandem::storage {

namespace {

constexpr std::string_view route_child_flag = "--route-child";
constexpr int route_child_arguments = 5;

}  // namespace

bool is_route_child(int argc, char** argv) {
  return argc == route_child_arguments && argv[1] == route_child_flag;
}

int run_route_child(char** argv) {
  route_store_options options;
  options.folder = argv[2];
  const auto batches = std::strtoull(argv[3], nullptr, 10);
  if (std::atoi(argv[4]) != 0) options.file_system = make_hold_unsynced_file_system();
  auto opened = route_store::open(options);
  if (!opened) ::_exit(2);
  for (std::uint64_t n = 1; n <= batches; ++n) {
    route_batch batch;
    batch.decisions = {make_decision(n, 1)};
    batch.statistics = {make_statistics(1, "big", static_cast<double>(n))};
    if ((*opened)->write(batch)) ::_exit(3);
  }
  ::_exit(0);
}

bool write_and_die(const std::filesystem::path& folder, std::uint64_t batches, bool hold_unsynced) {
  const auto count = std::to_string(batches);
  const auto child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "storage_test", route_child_flag.data(), folder.c_str(),
            count.c_str(), hold_unsynced ? "1" : "0", nullptr);
    ::_exit(127);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace tandem::storage
