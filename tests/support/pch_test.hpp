#pragma once
// Precompiled for every test; GoogleTest takes longer to read than most tests.
#include "third_party/pch_std.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
