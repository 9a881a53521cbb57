#pragma once
#include "map.h"
namespace nabla::NABLA_ISA {
namespace {
void fold(const FoldRecord&) {}
}
}
