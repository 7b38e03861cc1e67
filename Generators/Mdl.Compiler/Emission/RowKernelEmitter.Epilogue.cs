namespace Mdl.Compiler.Emission;

/// <summary>Kernels that run on the rows of a product as soon as these are there.</summary>
internal partial class RowKernelEmitter
{
    private void Epilogue(CodeWriter code, string summary)
    {
        code.Line();
        foreach (var line in summary.Split('\n'))
        {
            code.Line("/// " + line);
        }

        code.Open($"private unsafe struct {_kernel.Name} : IRowEpilogue");
        foreach (var symbol in _symbols)
        {
            code.Line($"public long {symbol};");
        }

        foreach (var (name, type, _) in _fields)
        {
            code.Line($"public {type}* {name};");
        }

        code.Line();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Open("public readonly void Apply(long begin, long end)");
        // Fields would be read anew after each store.
        foreach (var symbol in _symbols)
        {
            code.Line($"long {symbol} = this.{symbol};");
        }

        foreach (var (name, type, _) in _fields)
        {
            code.Line($"{type}* {name} = this.{name};");
        }

        code.Open("for (long r = begin; r < end; r++)");
        code.Raw(_row);
        code.Close();
        code.Close();
        code.Close();
    }

    private void Launch(CodeWriter code, string call)
    {
        code.Block();
        code.Line($"var k = new {_kernel.Name}");
        code.Line("{");
        foreach (var symbol in _symbols)
        {
            code.Line($"    {symbol} = {symbol},");
        }

        foreach (var (name, _, source) in _fields)
        {
            code.Line($"    {name} = {source},");
        }

        code.Line("};");
        code.Line(call);
        code.Close();
    }
}
