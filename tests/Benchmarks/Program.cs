using Mdl.Benchmarks;

// Usage: Benchmarks gemm [threads [part of a case's name]]
GemmBenchmark.Run(args.Length > 2 ? args[2] : "", args.Length > 1 ? int.Parse(args[1]) : Environment.ProcessorCount);
