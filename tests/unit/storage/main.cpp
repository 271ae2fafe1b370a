#include <gtest/gtest.h>

#include "tests/unit/storage/cache_child.hpp"
#include "tests/unit/storage/crash_child.hpp"
#include "tests/unit/storage/route_child.hpp"

// The program is also the process that crash tests kill.
int main(int argc, char** argv) {
  if (tandem::storage::is_crash_child(argc, argv)) return tandem::storage::run_crash_child(argv);
  if (tandem::storage::is_route_child(argc, argv)) return tandem::storage::run_route_child(argv);
  if (tandem::storage::is_cache_child(argc, argv)) return tandem::storage::run_cache_child(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
