#include "tests/unit/storage/cache_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/cache_fixture.hpp"

namespace tandem::storage {

namespace {

constexpr std::string_view cache_child_flag = "--cache-child";
constexpr int cache_child_arguments = 5;

}  // namespace

bool is_cache_child(int argc, char** argv) {
  return argc == cache_child_arguments && argv[1] == cache_child_flag;
}

int run_cache_child(char** argv) {
  cache_store_options options;
  options.folder = argv[2];
  options.tiers = {{"small", 4u << 20, 3'600'000}, {"large", 4u << 20, 3'600'000}};
  options.memory_bytes_max = 1u << 20;
  options.now_ms = cache_start_ms;
  const auto items = std::strtoull(argv[3], nullptr, 10);
  if (std::atoi(argv[4]) != 0) options.file_system = make_hold_unsynced_file_system();
  auto opened = cache_store::open(options);
  if (!opened) ::_exit(2);
  auto& store = **opened;
  const purge_rule rule{"", "acme", "", "", 42};
  const auto hot = cache_key_of(7);
  if (store.save_purges({&rule, 1}) || store.save_hot("small", {&hot, 1})) ::_exit(3);
  for (std::uint64_t n = 0; n < items; ++n) {
    const auto now_ms = cache_start_ms + n * 2000;
    const auto item = make_item(n, 512, now_ms);
    if (store.put("small", {&item, 1}, now_ms)) ::_exit(4);
    if (n % 500 == 499 && store.maintain(now_ms)) ::_exit(5);
  }
  ::_exit(0);
}

bool cache_and_die(const std::filesystem::path& folder, std::uint64_t items, bool hold_unsynced) {
  const auto count = std::to_string(items);
  const auto child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "storage_test", cache_child_flag.data(), folder.c_str(),
            count.c_str(), hold_unsynced ? "1" : "0", nullptr);
    ::_exit(127);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace tandem::storage
