using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Compiling;
using Mdl.Generators.Reporting;

namespace Mdl.Generators.Project;

/// <summary>A class and the file that may make it.</summary>
internal sealed record ClassOwner(string ClassName, string Path);

/// <summary>Which file makes which class, sorted: of several files that would make one class the first by its path does.</summary>
internal sealed record ClassOwners(EquatableArray<ClassOwner> Owners)
{
    public static ClassOwners Create(IEnumerable<CompiledUnit> units) => new(units
        .OrderBy(unit => unit.Path, StringComparer.Ordinal)
        .SelectMany(unit => unit.Classes.Select(made => new ClassOwner(made.Name, unit.Path)))
        .GroupBy(owner => owner.ClassName, StringComparer.Ordinal)
        .Select(group => group.First())
        .OrderBy(owner => owner.ClassName, StringComparer.Ordinal)
        .ToEquatableArray());

    /// <summary>The sources of a unit without those of classes that another file makes.</summary>
    public IEnumerable<GeneratedSource> Sources(CompiledUnit unit) =>
        unit.Sources.Where(source => source.ClassName.Length == 0 || OwnerOf(source.ClassName) == unit.Path);

    /// <summary>The diagnostics of a unit, and one for each class that another file makes.</summary>
    public IEnumerable<LocatedDiagnostic> Diagnostics(CompiledUnit unit)
    {
        foreach (var diagnostic in unit.Diagnostics)
        {
            yield return diagnostic;
        }

        foreach (var made in unit.Classes)
        {
            if (OwnerOf(made.Name) is { } owner && owner != unit.Path)
            {
                yield return made.Clash with { Message = GeneratorDiagnostics.Message(GeneratorDiagnostics.ClassClash, owner, made.Name) };
            }
        }
    }

    private string? OwnerOf(string className) => Owners.FirstOrDefault(owner => owner.ClassName == className)?.Path;
}
