// tandem-node on files that hold back what was not synced: SIGKILL of it is a power cut.

#include "nodes/node/run.hpp"
#include "storage/fault_file_system.hpp"

int main(int argc, char** argv) {
  return tandem::node_main(argc, argv,
                           {.file_system = tandem::storage::make_hold_unsynced_file_system()});
}
