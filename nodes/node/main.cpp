#include "nodes/node/run.hpp"

int main(int argc, char** argv) {
  return tandem::node_main(argc, argv);
}
