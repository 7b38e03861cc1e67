using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>Kernels that run on the rows of a product as soon as these are there, or make those of its left operand.</summary>
internal partial class RowKernelEmitter
{
    /// <summary>
    /// Writes the struct, and the statements that make one for the products' call. Returns the statements that follow the call; they count
    /// <c>chunks</c>.
    /// </summary>
    public IReadOnlyList<string> Epilogue(string summary, string name, Dim rowsPerRow, CodeWriter kernels, CodeWriter code) =>
        Part(summary, name, rowsPerRow, "IRowEpilogue", $"int chunk, float* {ProductStep.Rows[0]}, float* {ProductStep.Rows[1]}", kernels, code);

    /// <summary>As <see cref="Epilogue"/>, for a kernel that makes the rows of the left operand; it has no sums over rows.</summary>
    public void Prologue(string summary, string name, Dim rowsPerRow, CodeWriter kernels, CodeWriter code) =>
        Part(summary, name, rowsPerRow, "IRowPrologue", $"float* {ProductStep.Left}", kernels, code);

    private List<string> Part(string summary, string name, Dim rowsPerRow, string type, string memory, CodeWriter kernels, CodeWriter code)
    {
        var (sums, finish) = Body();
        kernels.Line();
        foreach (var line in summary.Split('\n'))
        {
            kernels.Line("/// " + line);
        }

        kernels.Open($"private unsafe struct {_kernel.Name} : {type}");
        foreach (var symbol in _symbols)
        {
            kernels.Line($"public long {symbol};");
        }

        foreach (var (field, fieldType, _) in _fields)
        {
            kernels.Line($"public {fieldType} {field};");
        }

        kernels.Line();
        kernels.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        kernels.Open($"public readonly void Apply(long begin, long end, {memory})");
        // Fields would be read anew after each store.
        foreach (var symbol in _symbols)
        {
            kernels.Line($"long {symbol} = this.{symbol};");
        }

        foreach (var (field, fieldType, _) in _fields)
        {
            kernels.Line($"{fieldType} {field} = this.{field};");
        }

        kernels.Raw(sums);
        var times = rowsPerRow.IsOne ? "" : " * " + Expressions.Size(rowsPerRow);
        kernels.Open($"for (long r = begin{times}; r < end{times}; r++)");
        kernels.Raw(_row);
        kernels.Close();
        kernels.Close();
        kernels.Close();
        Make(code, name);
        return finish;
    }

    private void Make(CodeWriter code, string name)
    {
        code.Line($"var {name} = new {_kernel.Name}");
        code.Line("{");
        foreach (var symbol in _symbols)
        {
            code.Line($"    {symbol} = {symbol},");
        }

        foreach (var (field, _, source) in _fields)
        {
            code.Line($"    {field} = {source},");
        }

        code.Line("};");
    }
}
