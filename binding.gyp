# The native backend. native/kernels/all.cc is compiled once per instruction set, each into its own
# namespace and static library; native/program/tables.cc picks among them at load.
{
  'variables': {
    # Set for every compiler: kernels rely on products not being fused into sums, on integers that wrap,
    # and on no symbol of one instruction set standing in for another's.
    'kernel_cflags': [
      '-std=c++20', '-fvisibility=hidden', '-ffp-contract=off', '-fwrapv',
      '-fno-math-errno', '-fno-exceptions', '-fno-rtti', '-Wall', '-Wextra', '-Wno-unknown-pragmas',
    ],
    # At -O2 GCC only vectorizes loops whose length it knows; clang always weighs the cost.
    'vectorizer%': ['-ftree-vectorize'],
    'conditions': [
      ['clang!=1 and OS!="mac"', { 'vectorizer': ['-ftree-vectorize', '-fvect-cost-model=dynamic'] }],
      ['target_arch=="x64"', { 'kernels': ['kernels_scalar', 'kernels_avx2', 'kernels_avx512'] }, {
        'kernels': ['kernels_scalar'],
      }],
    ],
  },
  'target_defaults': {
    # -O2 with the vectorizer instead of Node's -O3: half the compile time, and the loops that gain
    # from unrolling say so themselves.
    'cflags!': ['-O3', '-fno-omit-frame-pointer'],
    'cflags': ['-O2', '-fvisibility=hidden', '<@(vectorizer)'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'CLANG_CXX_LIBRARY': 'libc++',
      'GCC_OPTIMIZATION_LEVEL': '2',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
    'msvs_settings': {
      'VCCLCompilerTool': { 'AdditionalOptions': ['/std:c++20', '/fp:precise', '/Zc:__cplusplus'] },
    },
    'conditions': [
      ['target_arch=="x64"', { 'defines': ['COTANGENT_X86'] }],
    ],
  },
  'targets': [
    {
      'target_name': 'kernels_scalar',
      'type': 'static_library',
      'sources': ['native/kernels/all.cc'],
      'defines': ['COTANGENT_NS=scalar'],
      'cflags_cc': ['<@(kernel_cflags)'],
      'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(kernel_cflags)'] },
    },
    {
      'target_name': 'cotangent',
      'dependencies': ['<@(kernels)'],
      'defines': ['NAPI_VERSION=8'],
      'sources': [
        'native/addon.cc',
        'native/program/async.cc',
        'native/program/execute.cc',
        'native/program/tables.cc',
        'native/threads/pool.cc',
      ],
      'cflags_cc!': ['-fno-exceptions'],
      'cflags_cc': ['-std=c++20', '-fexceptions', '-Wall', '-Wextra'],
      'xcode_settings': { 'GCC_ENABLE_CPP_EXCEPTIONS': 'YES' },
      'msvs_settings': { 'VCCLCompilerTool': { 'ExceptionHandling': 1 } },
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'kernels_avx2',
          'type': 'static_library',
          'sources': ['native/kernels/all.cc'],
          'defines': ['COTANGENT_NS=avx2', 'COTANGENT_AVX2'],
          'cflags_cc': ['<@(kernel_cflags)', '-mavx2', '-mfma', '-mf16c'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(kernel_cflags)', '-mavx2', '-mfma', '-mf16c'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'EnableEnhancedInstructionSet': 5 } },
        },
        {
          'target_name': 'kernels_avx512',
          'type': 'static_library',
          'sources': ['native/kernels/all.cc'],
          'defines': ['COTANGENT_NS=avx512', 'COTANGENT_AVX512'],
          'cflags_cc': [
            '<@(kernel_cflags)', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma',
            # GCC 12 warns about its own intrinsics (gcc.gnu.org/PR105593).
            '-Wno-maybe-uninitialized', '-Wno-uninitialized',
          ],
          'xcode_settings': {
            'OTHER_CPLUSPLUSFLAGS': [
              '<@(kernel_cflags)', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma',
            ],
          },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['/arch:AVX512'] } },
        },
      ],
    }],
  ],
}
