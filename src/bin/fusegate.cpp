#include "cli/cli.hpp"

int main(int argc, char** argv) { return fusegate::cli::main(argc, argv); }
