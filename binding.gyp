{
  "targets": [
    {
      "target_name": "nabla",
      "type": "none",
      "variables": {"work": "<(module_root_dir)/build/cmake"},
      "actions": [
        {
          "action_name": "configure",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(work)/CMakeCache.txt"],
          "action": ["cmake", "-S", "<(module_root_dir)", "-B", "<(work)"],
        },
        {
          "action_name": "build",
          "inputs": ["<(work)/CMakeCache.txt"],
          "outputs": ["<(module_root_dir)/build/Release/nabla.node"],
          "action": ["cmake", "--build", "<(work)"],
        },
      ],
    }
  ]
}
