using Mdl.Generators.Tests;

// Run by TimingTests in a process of its own: prints what one compilation costs before anything is compiled to machine code.
return args is ["cold", var path] ? ColdStart.Measure(path) : 1;
