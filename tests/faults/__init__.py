"""What breaks the promise that nothing is lost and nothing counted twice, tried on real servers."""
