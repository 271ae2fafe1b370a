// tandem-node on a disk that fails. TANDEM_TEST_DISK_FAULT="append no_space 200": appends fail with
// no space from the 201st on.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "nodes/node/run.hpp"
#include "storage/fault_file_system.hpp"

int main(int argc, char** argv) {
  using namespace tandem::storage;
  const std::map<std::string, disk_operation> operations{{"create", disk_operation::create},
                                                         {"append", disk_operation::append},
                                                         {"sync", disk_operation::sync}};
  const std::map<std::string, disk_fault> kinds{{"no_space", disk_fault::no_space},
                                                {"io_error", disk_fault::io_error},
                                                {"read_only", disk_fault::read_only}};
  const char* wish = std::getenv("TANDEM_TEST_DISK_FAULT");
  std::istringstream words{wish == nullptr ? "" : wish};
  std::string operation;
  std::string fault;
  std::uint64_t passing = 0;
  if (!(words >> operation >> fault >> passing) || !operations.contains(operation) ||
      !kinds.contains(fault)) {
    std::cerr << "TANDEM_TEST_DISK_FAULT is '<create|append|sync> <no_space|io_error|read_only> "
                 "<how many pass>'\n";
    return 2;
  }
  auto faults = std::make_shared<fault_switch>();
  faults->fail(operations.at(operation), kinds.at(fault), passing);
  return tandem::node_main(argc, argv, {.file_system = make_fault_file_system(faults)});
}
