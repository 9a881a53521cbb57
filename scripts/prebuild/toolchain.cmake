# Zig as a cross compiler, for `npm run prebuild:all`: -DZIG=<its file> -DNABLA_TARGET=<a target of Zig>.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG NABLA_TARGET)

string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${NABLA_TARGET})
if(NABLA_TARGET MATCHES "windows")
  set(CMAKE_SYSTEM_NAME Windows)
  # CMake looks for a compiler of resources, of which there are none.
  set(CMAKE_RC_COMPILER ${ZIG})
elseif(NABLA_TARGET MATCHES "macos")
  set(CMAKE_SYSTEM_NAME Darwin)
else()
  set(CMAKE_SYSTEM_NAME Linux)
endif()

set(CMAKE_CXX_COMPILER ${ZIG} c++)
# What debuggers read would be left out at the link (-s): none is made.
set(CMAKE_CXX_FLAGS_INIT "-target ${NABLA_TARGET} -g0")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-s")
# Its Clang has 512-bit registers only where this says so.
set(NABLA_AVX512_FLAGS -mevex512)
# It links its C++ runtime in.
set(NABLA_STATIC_RUNTIME ON)
