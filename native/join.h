#pragma once

#include <vector>

#include "program.h"

namespace nabla {

/**
 * Makes a product part of the sum that alone reads it: a pass over the tile less, and the same bits. `code` has the
 * element instructions of each stage.
 */
void join_products(const Program& program, const std::vector<Stage>& stages,
                   const std::vector<std::vector<MicroInstruction>*>& code);

}  // namespace nabla
