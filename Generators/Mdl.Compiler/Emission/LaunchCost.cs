using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>What one launch costs, in the sizes of its program.</summary>
/// <param name="Flops">Floating-point operations: a multiply-add is two, any elementwise function one.</param>
/// <param name="Bytes">What it reads and writes, each once.</param>
/// <param name="UnfusedBytes">What its operations would move if each read its inputs from memory and wrote its result there.</param>
internal sealed record LaunchCost(Dim Flops, Dim Bytes, Dim UnfusedBytes);
